//! The tokens of an expression, read before it is parsed: their bounds keep the parser's recursion,
//! and everything that walks its tree, within a small stack.

use cel::parser::pratt_parser::{Lexer, TokenKind};

/// One token, by its bytes in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Most tokens of one expression.
const TOKENS_MAX: usize = 16_384;

/// Deepest nesting: brackets, and operators that lean on each other (`a + b + c` is two deep).
/// `&&` and `||` chains do not count, the parser balances them.
pub(super) const DEPTH_MAX: u32 = 100;

/// Reads all tokens but white space and comments; the error is the first byte and a sentence.
pub(super) fn read(text: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.lex();
        match token.kind {
            TokenKind::TokEnd => break,
            TokenKind::TokWhitespace | TokenKind::TokComment => continue,
            TokenKind::TokError => {
                let message = lexer.get_error().map_or("not a token", |error| &error.message);
                let start = token.start.min(text.len());
                let letter = text.get(start..).and_then(|rest| rest.chars().next());
                return Err(match (message, letter) {
                    ("unexpected character", Some(letter)) => {
                        (start, format!("`{}` has no meaning here", letter.escape_debug()))
                    }
                    _ => (start, message.to_owned()),
                });
            }
            kind => {
                // Texts are at most 64 KiB, by the caller.
                tokens.push(Token { kind, start: token.start as u32, end: token.end as u32 });
            }
        }
        if tokens.len() > TOKENS_MAX {
            return Err((token.start, format!("an expression has at most {TOKENS_MAX} tokens")));
        }
    }
    match too_deep(&tokens) {
        Some(at) => Err((
            at as usize,
            format!("nested too deeply: at most {DEPTH_MAX} brackets and operators within another"),
        )),
        None => Ok(tokens),
    }
}

/// How deep the part of the tree is that one pair of brackets encloses.
#[derive(Clone, Copy, Default)]
struct Level {
    /// The deepest part that `,` has ended.
    argument: u32,
    /// The deepest part since that `&&` or `||` has ended.
    term: u32,
    /// The deepest bracket in the current part.
    inner: u32,
    /// Operators of the current part, each of which may hold all before or after it.
    operators: u32,
    /// `?` since the last `,`: `&&` and `||` bind closer, so they end none.
    conditionals: u32,
}

impl Level {
    fn depth(self) -> u32 {
        let term = self.term.max(self.inner + self.operators);
        self.argument.max(term + self.conditionals)
    }
}

/// The first token at which the tree may become too deep: an upper bound from brackets and
/// operators alone, so that it holds whatever the parser makes of them.
fn too_deep(tokens: &[Token]) -> Option<u32> {
    let mut levels = vec![Level::default()];
    // Operators and conditions that stand before the open brackets.
    let mut around = 0_u32;
    for token in tokens {
        let outer_levels = levels.len() - 1;
        // The outermost level is never popped.
        let level = levels.last_mut()?;
        match token.kind {
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                level.operators += 1;
                around += level.operators + level.conditionals;
                levels.push(Level::default());
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace
                if outer_levels > 0 =>
            {
                let depth = levels.pop().map_or(0, Level::depth);
                let outer = levels.last_mut()?;
                // Unchanged since the bracket was opened.
                around -= outer.operators + outer.conditionals;
                outer.inner = outer.inner.max(depth);
            }
            TokenKind::TokLogicalAnd | TokenKind::TokLogicalOr => {
                level.term = level.term.max(level.inner + level.operators);
                (level.inner, level.operators) = (0, 0);
            }
            TokenKind::TokComma => {
                *level = Level { argument: level.depth(), ..Level::default() };
            }
            TokenKind::TokQuestion => level.conditionals += 1,
            kind if is_operator(kind) => level.operators += 1,
            _ => {}
        }
        let deepest = levels.last().map_or(0, |level| level.depth());
        if around + deepest > DEPTH_MAX {
            return Some(token.start);
        }
    }
    None
}

const fn is_operator(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::TokIn
            | T::TokDot
            | T::TokMinus
            | T::TokPlus
            | T::TokAsterisk
            | T::TokSlash
            | T::TokPercent
            | T::TokExclamation
            | T::TokEqualEqual
            | T::TokExclamationEqual
            | T::TokLess
            | T::TokLessEqual
            | T::TokGreater
            | T::TokGreaterEqual
    )
}

/// Names that the parser would expand as macros where they are called, each with a name of the same
/// length that it leaves alone. What was written is read from the text, so `Has(x)` stays an unknown
/// function.
const MACROS: [(&str, &str); 7] = [
    ("has", "Has"),
    ("all", "All"),
    ("exists", "Exists"),
    ("exists_one", "Exists_one"),
    ("existsOne", "ExistsOne"),
    ("map", "Map"),
    ("filter", "Filter"),
];

/// The text with the calls of macros covered up; elsewhere `map` is a type, or any key's name.
pub(super) fn cover_macros(text: &str, tokens: &[Token]) -> String {
    let mut covered = String::with_capacity(text.len());
    let mut done = 0;
    for pair in tokens.windows(2) {
        let [token, next] = pair else { continue };
        if (token.kind, next.kind) != (TokenKind::TokIdent, TokenKind::TokLeftParen) {
            continue;
        }
        let (start, end) = (token.start as usize, token.end as usize);
        let written = text.get(start..end).unwrap_or("");
        if let Some((_, cover)) = MACROS.iter().find(|(name, _)| *name == written) {
            covered.push_str(text.get(done..start).unwrap_or(""));
            covered.push_str(cover);
            done = end;
        }
    }
    covered.push_str(text.get(done..).unwrap_or(""));
    covered
}

/// A token as a message shows it: its beginning, on one line.
pub(super) fn shown(written: &str) -> String {
    let mut shown: String = written.chars().take(24).flat_map(char::escape_debug).collect();
    if written.chars().count() > 24 {
        shown.push('…');
    }
    shown
}
