//! Finds the places of a tree's nodes: read from left to right, nodes meet tokens in one order.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};
use cel::parser::pratt_parser::TokenKind;

use crate::lang::Span;

use super::NodePlace;
use super::tokens::Token;

/// The places of all nodes by their ids.
pub(super) fn find(root: &IdedExpr, tokens: &[Token]) -> Vec<NodePlace> {
    let mut finder =
        Finder { tokens, closing: closing(tokens), next: 0, places: Vec::with_capacity(64) };
    finder.walk(root);
    finder.places
}

/// For each opening bracket the index of its closing one; itself for every other token.
fn closing(tokens: &[Token]) -> Vec<usize> {
    let mut closing: Vec<usize> = (0..tokens.len()).collect();
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                open.push(index);
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                if let Some(opener) = open.pop() {
                    closing[opener] = index;
                }
            }
            _ => {}
        }
    }
    closing
}

/// The first and the last token of a node.
#[derive(Clone, Copy)]
struct Extent {
    first: usize,
    last: usize,
}

struct Finder<'t> {
    tokens: &'t [Token],
    closing: Vec<usize>,
    next: usize,
    places: Vec<NodePlace>,
}

impl Finder<'_> {
    /// Finds the place of a node and of all within it. The tree is bounded in depth by its tokens.
    fn walk(&mut self, node: &IdedExpr) -> Extent {
        let (anchor, extent) = match &node.expr {
            Expr::Ident(_) => self.leaf(TokenKind::TokIdent),
            Expr::Literal(literal) => self.leaf(literal_token(literal)),
            Expr::Select(select) => {
                let operand = self.operand(&select.operand);
                self.seek(TokenKind::TokDot);
                let field = self.take();
                (field, Extent { first: operand.first, last: field })
            }
            Expr::Call(call) => match (&call.target, operator_token(&call.func_name)) {
                (None, Some(token)) => self.operator(token, &call.args),
                (None, None) => {
                    let name = self.seek(TokenKind::TokIdent);
                    (name, Extent { first: name, last: self.arguments(&call.args) })
                }
                (Some(target), _) => {
                    let target = self.operand(target);
                    self.seek(TokenKind::TokDot);
                    let name = self.take();
                    (name, Extent { first: target.first, last: self.arguments(&call.args) })
                }
            },
            Expr::List(list) => {
                let open = self.seek(TokenKind::TokLeftBracket);
                for element in &list.elements {
                    self.walk(element);
                }
                (open, Extent { first: open, last: self.close(open) })
            }
            Expr::Map(map) => self.braces(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Struct(message) => self.braces(message.entries.iter().map(|entry| &entry.expr)),
            // No macro is expanded and no error is left in a tree that was parsed.
            Expr::Comprehension(_) | Expr::Unspecified => {
                (self.next, Extent { first: self.next, last: self.next })
            }
        };
        self.keep(node.id, anchor, extent);
        extent
    }

    fn keep(&mut self, id: u64, anchor: usize, extent: Extent) {
        let Ok(id) = usize::try_from(id) else { return };
        // Ids are dense: the parser counts them up, at most a few for each token.
        if id > self.tokens.len() * 4 + 16 {
            return;
        }
        if self.places.len() <= id {
            self.places.resize(id + 1, NodePlace::default());
        }
        let span = |first: usize, last: usize| Span {
            start: self.tokens.get(first).map_or(0, |token| token.start),
            end: self.tokens.get(last).map_or(0, |token| token.end),
        };
        self.places[id] =
            NodePlace { anchor: span(anchor, anchor), span: span(extent.first, extent.last) };
    }

    fn leaf(&mut self, kind: TokenKind) -> (usize, Extent) {
        let at = self.seek(kind);
        // A sign that the parser took into a number belongs to it.
        let signed = matches!(kind, TokenKind::TokInt | TokenKind::TokFloat)
            && at > 0
            && self.tokens[at - 1].kind == TokenKind::TokMinus
            && at.checked_sub(2).is_none_or(|before| !ends_operand(self.tokens[before].kind));
        (at, Extent { first: at - usize::from(signed), last: at })
    }

    fn operator(&mut self, kind: TokenKind, arguments: &[IdedExpr]) -> (usize, Extent) {
        match arguments {
            [operand] => {
                let at = self.seek(kind);
                (at, Extent { first: at, last: self.operand(operand).last })
            }
            [left, right] if kind == TokenKind::TokLeftBracket => {
                let left = self.operand(left);
                let at = self.seek(kind);
                self.walk(right);
                (at, Extent { first: left.first, last: self.close(at) })
            }
            [left, right] => {
                let left = self.operand(left);
                let at = self.seek(kind);
                (at, Extent { first: left.first, last: self.operand(right).last })
            }
            [condition, then, otherwise] => {
                let condition = self.operand(condition);
                let at = self.seek(kind);
                self.operand(then);
                self.seek(TokenKind::TokColon);
                (at, Extent { first: condition.first, last: self.operand(otherwise).last })
            }
            _ => (self.next, Extent { first: self.next, last: self.next }),
        }
    }

    /// An operand with the brackets around it.
    fn operand(&mut self, node: &IdedExpr) -> Extent {
        let mut extent = self.walk(node);
        while extent.first > 0
            && self.tokens[extent.first - 1].kind == TokenKind::TokLeftParen
            && self.closing[extent.first - 1] == extent.last + 1
        {
            extent = Extent { first: extent.first - 1, last: extent.last + 1 };
        }
        self.next = self.next.max(extent.last + 1);
        extent
    }

    /// Walks the arguments of a call; its closing bracket.
    fn arguments(&mut self, arguments: &[IdedExpr]) -> usize {
        let open = self.seek(TokenKind::TokLeftParen);
        for argument in arguments {
            self.walk(argument);
        }
        self.close(open)
    }

    fn braces<'e>(&mut self, entries: impl Iterator<Item = &'e EntryExpr>) -> (usize, Extent) {
        let open = self.seek(TokenKind::TokLeftBrace);
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => {
                    self.walk(&field.value);
                }
                EntryExpr::MapEntry(entry) => {
                    self.walk(&entry.key);
                    self.walk(&entry.value);
                }
            }
        }
        (open, Extent { first: open, last: self.close(open) })
    }

    fn close(&mut self, open: usize) -> usize {
        let close = self.closing.get(open).copied().unwrap_or(open);
        self.next = self.next.max(close + 1);
        close
    }

    /// The next token of a kind, stepped over. A tree and its own tokens always meet; were they not
    /// to, the last token stands in, and a caret points at the wrong place.
    fn seek(&mut self, kind: TokenKind) -> usize {
        let from = self.next.min(self.tokens.len());
        let ahead = self.tokens[from..].iter().position(|token| token.kind == kind);
        let at = ahead.map_or(self.tokens.len().saturating_sub(1), |ahead| from + ahead);
        self.next = at + 1;
        at
    }

    fn take(&mut self) -> usize {
        let at = self.next.min(self.tokens.len().saturating_sub(1));
        self.next = at + 1;
        at
    }
}

/// Whether a minus after such a token subtracts.
const fn ends_operand(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::TokIdent
            | T::TokInt
            | T::TokUint
            | T::TokFloat
            | T::TokString
            | T::TokBytes
            | T::TokTrue
            | T::TokFalse
            | T::TokNull
            | T::TokRightParen
            | T::TokRightBracket
            | T::TokRightBrace
    )
}

fn literal_token(literal: &LiteralValue) -> TokenKind {
    match literal {
        LiteralValue::Boolean(value) => match value.inner() {
            true => TokenKind::TokTrue,
            false => TokenKind::TokFalse,
        },
        LiteralValue::Bytes(_) => TokenKind::TokBytes,
        LiteralValue::Double(_) => TokenKind::TokFloat,
        LiteralValue::Int(_) => TokenKind::TokInt,
        LiteralValue::Null => TokenKind::TokNull,
        LiteralValue::String(_) => TokenKind::TokString,
        LiteralValue::UInt(_) => TokenKind::TokUint,
    }
}

fn operator_token(name: &str) -> Option<TokenKind> {
    Some(match name {
        operators::LOGICAL_AND => TokenKind::TokLogicalAnd,
        operators::LOGICAL_OR => TokenKind::TokLogicalOr,
        operators::LOGICAL_NOT => TokenKind::TokExclamation,
        operators::CONDITIONAL => TokenKind::TokQuestion,
        operators::ADD => TokenKind::TokPlus,
        operators::SUBSTRACT | operators::NEGATE => TokenKind::TokMinus,
        operators::MULTIPLY => TokenKind::TokAsterisk,
        operators::DIVIDE => TokenKind::TokSlash,
        operators::MODULO => TokenKind::TokPercent,
        operators::EQUALS => TokenKind::TokEqualEqual,
        operators::NOT_EQUALS => TokenKind::TokExclamationEqual,
        operators::LESS => TokenKind::TokLess,
        operators::LESS_EQUALS => TokenKind::TokLessEqual,
        operators::GREATER => TokenKind::TokGreater,
        operators::GREATER_EQUALS => TokenKind::TokGreaterEqual,
        operators::IN => TokenKind::TokIn,
        operators::INDEX => TokenKind::TokLeftBracket,
        _ => return None,
    })
}
