//! A condition part by part: each part's text as it is written, and its value over a row.

use super::story::Part;
use crate::bundle::Bundle;
use crate::domain::FeatureVector;
use crate::lang::{EvalError, Node, NodeKind, Program, Truth, Type};

/// More parts than a reader takes in.
const PARTS_MAX: usize = 64;

/// The conditions that all must hold: those of an outermost `&&`, else the whole.
pub(super) fn conjuncts(program: &Program) -> Vec<&Node> {
    match &program.node().kind {
        NodeKind::And(all) => all.iter().collect(),
        _ => vec![program.node()],
    }
}

/// What a condition says of a row.
pub(super) fn truth(program: &Program, node: &Node, row: &FeatureVector) -> Truth {
    program.part(node).truth(row)
}

/// The parts of a condition, conditions before what they are made of. A plain name stands once.
pub(super) fn parts(program: &Program, row: &FeatureVector, bundle: &Bundle) -> Vec<Part> {
    let mut parts = Vec::new();
    for node in conjuncts(program) {
        push(program, node, 0, row, bundle, &mut parts);
    }
    parts
}

/// As [`parts`], of one condition.
pub(super) fn parts_of(
    program: &Program,
    node: &Node,
    row: &FeatureVector,
    bundle: &Bundle,
) -> Vec<Part> {
    let mut parts = Vec::new();
    push(program, node, 0, row, bundle, &mut parts);
    parts
}

fn push(
    program: &Program,
    node: &Node,
    depth: usize,
    row: &FeatureVector,
    bundle: &Bundle,
    parts: &mut Vec<Part>,
) {
    let is_condition = node.node_type == Type::Bool;
    let is_constant = matches!(node.kind, NodeKind::Constant(_));
    let text = text_of(node, program.source());
    if is_constant && !is_name(&text) || parts.len() >= PARTS_MAX {
        return;
    }
    let known = parts.iter().any(|part| part.text == text);
    if !known || is_condition {
        let value = match program.part(node).value(row) {
            Ok(value) => bundle.shown(value),
            Err(EvalError::Missing(_)) if matches!(node.kind, NodeKind::Column(_)) => {
                "missing".to_owned()
            }
            Err(error) => error.to_string(),
        };
        let holds = is_condition.then(|| match truth(program, node, row) {
            Truth::True => "true",
            Truth::False => "false",
            Truth::Undetermined => "undetermined",
        });
        parts.push(Part { depth, text, value, holds });
    }
    for child in node.children() {
        push(program, child, depth + 1, row, bundle, parts);
    }
}

/// A constant that goes by a name: its value is news.
fn is_name(text: &str) -> bool {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(text, "true" | "false")
}

/// The columns without a value that leave a condition open.
pub(super) fn missing(
    program: &Program,
    node: &Node,
    row: &FeatureVector,
    bundle: &Bundle,
    names: &mut Vec<String>,
) {
    if let NodeKind::Column(field) = node.kind {
        if !row.has(field)
            && let Some(field) = bundle.schema.field(field)
            && !names.contains(&field.name)
        {
            names.push(field.name.clone());
        }
        return;
    }
    let is_condition = node.node_type == Type::Bool;
    if is_condition && truth(program, node, row) != Truth::Undetermined {
        return;
    }
    for child in node.children() {
        missing(program, child, row, bundle, names);
    }
}

/// The text of a part, on one line.
pub(super) fn text_of(node: &Node, source: &str) -> String {
    let text = source.get(node.span.start as usize..node.span.end as usize).unwrap_or("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
