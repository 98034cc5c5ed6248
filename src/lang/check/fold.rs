//! What is computed from constants alone is a constant, and its error a fault.

use cel::IdedExpr;

use crate::domain::FeatureVector;
use crate::lang::code::Code;
use crate::lang::{Node, NodeKind};

use super::Checker;

impl Checker<'_> {
    /// The node, or its value when all its parts are constants.
    pub(super) fn folded(&mut self, expr: &IdedExpr, node: Node) -> Option<Node> {
        if node.children().into_iter().any(|child| child.constant().is_none()) {
            return Some(node);
        }
        let node_type = node.node_type;
        match Code::of(&node).constant(node_type, &FeatureVector::new(0)) {
            Ok(constant) => Some(self.make(expr, node_type, NodeKind::Constant(constant))),
            Err(error) => self.fault(expr, format!("this never has a value: {error}")),
        }
    }
}
