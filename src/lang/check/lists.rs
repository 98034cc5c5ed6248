//! `exists` and `all` over declared lists: a list is constant, so they are `||` and `&&` over it.

use cel::IdedExpr;
use cel::common::ast::Expr;

use crate::lang::{Constant, Node, NodeKind, Type};

use super::{Checker, dotted};

/// Most terms that the lists of one expression may become.
const TERMS_MAX: usize = 4_096;

impl Checker<'_> {
    /// `list.exists(x, ..)` or `list.all(x, ..)`: the condition for each element of the list.
    pub(super) fn over_list(
        &mut self,
        expr: &IdedExpr,
        list: &IdedExpr,
        variable: &IdedExpr,
        body: &IdedExpr,
    ) -> Option<Node> {
        let constants = match &list.expr {
            Expr::List(literal) => self.list(literal)?,
            _ => match dotted(list).and_then(|name| self.scope.constants.get(&name)) {
                Some(constant @ Constant::List(..)) => constant.clone(),
                _ => {
                    let message = "`exists` and `all` go over a constant list".to_owned();
                    return self.fault(list, message);
                }
            },
        };
        let Expr::Ident(name) = &variable.expr else {
            let message = "a variable is named first: `list.exists(x, ..)`".to_owned();
            return self.fault(variable, message);
        };
        if self.scope.schema.get(name).is_some() || self.scope.constants.contains_key(name) {
            let message = format!("`{name}` is a column or a constant; choose another name");
            return self.fault(variable, message);
        }
        let Constant::List(_, elements) = constants else { return None };
        let ends = self.written(expr) == "exists";
        let mut terms = Vec::with_capacity(elements.len());
        for element in elements {
            self.terms += 1;
            if self.terms > TERMS_MAX {
                let message = format!("the lists of an expression are at most {TERMS_MAX} terms");
                return self.fault(expr, message);
            }
            self.bound.push((name.clone(), element));
            let term = self.node_of(body, Type::Bool);
            self.bound.pop();
            // A fault is the same for every element.
            let term = term?;
            match term.kind {
                NodeKind::Or(inner) if ends => terms.extend(inner),
                NodeKind::And(inner) if !ends => terms.extend(inner),
                kind => terms.push(Node { kind, ..term }),
            }
        }
        let kind = match terms.len() {
            0 => NodeKind::Constant(Constant::Bool(!ends)),
            1 => terms.pop()?.kind,
            _ if ends => NodeKind::Or(terms),
            _ => NodeKind::And(terms),
        };
        Some(self.make(expr, Type::Bool, kind))
    }

    /// The element that a variable stands for, within `exists` and `all`.
    pub(super) fn element(&self, name: &str) -> Option<&Constant> {
        self.bound.iter().rev().find(|(bound, _)| bound == name).map(|(_, element)| element)
    }
}
