//! From text to a syntax tree whose every node knows its place: the `cel` crate's parser, bounded.
//!
//! The crate's parser drops the places of its nodes, so they are found again: the nodes of the
//! tree, read from left to right, meet the tokens of the text in the same order ([`places`]). For
//! that no macro may be expanded; their names are covered up before parsing, letter for letter
//! ([`tokens::cover_macros`]), and a call's name is read from the text.
//!
//! The crate's Pratt parser and its lexer are public but undocumented: an upgrade of the crate is
//! read before it is taken. What we rely on (spans, bounds, no panic) is held by `lang/tests/`.

mod places;
mod tokens;

use cel::IdedExpr;
use cel::parser::PrattParser;

use super::{Fault, Place, Span};

/// Longest expression in bytes.
const TEXT_MAX: usize = 64 * 1_024;

/// A parsed expression.
pub(super) struct Syntax {
    /// The root of the tree.
    pub(super) root: IdedExpr,
    /// Places by node id.
    places: Vec<NodePlace>,
}

/// Where a node stands in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NodePlace {
    /// Its operator, name or literal: where a caret points.
    pub(super) anchor: Span,
    /// All of it.
    pub(super) span: Span,
}

impl Syntax {
    /// Parses an expression, or says everything that is wrong with its form.
    pub(super) fn parse(text: &str, place: &Place) -> Result<Self, Vec<Fault>> {
        let fault = |offset: usize, message: String| Fault::at(place, text, offset, message);
        if text.len() > TEXT_MAX {
            let message = format!("an expression has at most {TEXT_MAX} bytes");
            return Err(vec![fault(0, message)]);
        }
        let tokens =
            tokens::read(text).map_err(|(offset, message)| vec![fault(offset, message)])?;
        if tokens.is_empty() {
            return Err(vec![fault(0, "an expression is missing here".into())]);
        }
        let covered = tokens::cover_macros(text, &tokens);
        let parser = PrattParser::new()
            .max_recursion_depth(tokens::DEPTH_MAX as u16)
            .enable_ident_escape_syntax(true);
        match parser.parse(&covered) {
            Ok(root) => {
                let places = places::find(&root, &tokens);
                Ok(Self { root, places })
            }
            Err(errors) => Err(errors
                .errors
                .iter()
                .map(|error| {
                    let offset = offset_of(text, error.pos);
                    let (message, suggestion) = plain_words(&error.msg, text, offset, &tokens);
                    fault(offset, message).suggesting(suggestion)
                })
                .collect()),
        }
    }

    /// A node's operator, name or literal as it stands in the text that was parsed.
    pub(super) fn written<'t>(&self, node: &IdedExpr, text: &'t str) -> &'t str {
        let anchor = self.place(node).anchor;
        text.get(anchor.start as usize..anchor.end as usize).unwrap_or("")
    }

    /// Where a node stands; ids come from this tree.
    pub(super) fn place(&self, node: &IdedExpr) -> NodePlace {
        usize::try_from(node.id)
            .ok()
            .and_then(|id| self.places.get(id))
            .copied()
            .unwrap_or_default()
    }
}

/// The byte at a line and a column (bytes) counted from 1; the beginning when there is none.
fn offset_of(text: &str, (line, column): (isize, isize)) -> usize {
    let (Ok(line), Ok(column)) = (usize::try_from(line - 1), usize::try_from(column - 1)) else {
        return 0;
    };
    text.split_inclusive('\n').take(line).map(str::len).sum::<usize>() + column
}

/// The parser's message as an analyst would say it, and what was meant where that is plain.
fn plain_words(
    message: &str,
    text: &str,
    offset: usize,
    tokens: &[tokens::Token],
) -> (String, Option<String>) {
    let message = message.trim_start_matches("Syntax error: ");
    let token = tokens.iter().find(|token| token.start as usize == offset);
    let Some(written) = token.and_then(|token| text.get(offset..token.end as usize)) else {
        let ends = message.contains("<EOF>");
        return match ends {
            true => ("the expression ends before it is complete".into(), None),
            false => (message.to_owned(), None),
        };
    };
    let meant = match written {
        "=" => "==",
        "and" | "AND" => "&&",
        "or" | "OR" => "||",
        "not" | "NOT" => "!",
        _ => "",
    };
    let message = match message.starts_with("mismatched input") || message == "unexpected token" {
        true => format!("`{}` does not fit here", tokens::shown(written)),
        false => message.to_owned(),
    };
    (message, (!meant.is_empty()).then(|| meant.to_owned()))
}
