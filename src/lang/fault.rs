//! What is wrong with an expression, where, and what was probably meant.

use std::fmt;
use std::sync::Arc;

/// Where an expression begins: its first character, lines and columns from 1.
///
/// The lines of a longer text are taken to begin at the same column, as YAML's block scalars (`|`)
/// do; text that YAML has folded (`>`) has lost its lines and is placed on the first one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file, as the reader of the message would open it.
    pub file: Arc<str>,
    /// The line of the first character.
    pub line: u32,
    /// The column of the first character, counted in characters.
    pub column: u32,
}

/// One fault in one expression. It quotes the rule's text, never a value of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file.
    pub file: Arc<str>,
    /// The line in the file, from 1.
    pub line: u32,
    /// The column in the file, from 1, in characters.
    pub column: u32,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// The line of the expression (without what YAML puts before it), clipped around the caret.
    pub source_line: String,
    /// How many characters of `source_line` stand before the fault.
    pub caret: u32,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Fault {
    /// A fault at a byte of an expression's text.
    pub(super) fn at(place: &Place, text: &str, offset: usize, message: String) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() as u32;
        let caret = text[line_start..offset].chars().count();
        let source_line = text[line_start..].lines().next().unwrap_or("");
        let clip = caret.saturating_sub(CLIP_BEFORE);
        Self {
            file: place.file.clone(),
            line: place.line.saturating_add(line),
            column: place.column.saturating_add(caret as u32),
            message,
            source_line: source_line.chars().skip(clip).take(CLIP_WIDTH).collect(),
            caret: (caret - clip) as u32,
            suggestion: None,
        }
    }

    /// A fault at a part of an expression that compiled, for whoever knows more of its columns.
    pub fn of_part(place: &Place, text: &str, part: super::Span, message: String) -> Self {
        Self::at(place, text, part.start as usize, message)
    }

    /// Adds what was probably meant.
    #[must_use]
    pub(super) fn suggesting(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

/// A line is shown from at most this many characters before the caret, this many in all.
const CLIP_BEFORE: usize = 60;
const CLIP_WIDTH: usize = 100;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, "  {}", self.source_line)?;
        f.write_str("  ")?;
        for letter in self.source_line.chars().take(self.caret as usize) {
            // A tab stays a tab and a wide character takes two cells, so that the caret stands
            // under its letter.
            f.write_str(if letter == '\t' { "\t" } else { &"  "[..cells(letter)] })?;
        }
        f.write_str("^")?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

/// Cells of a terminal that a letter takes: two for East Asian wide ranges.
const fn cells(letter: char) -> usize {
    match letter as u32 {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offset: usize, expected: &str) {
        let place = Place { file: "rules/card.yaml".into(), line: 10, column: 7 };
        let fault = Fault::at(&place, text, offset, "wrong".into());
        let fault = fault.suggesting(Some("x".into()));
        assert_eq!(fault.to_string(), expected);
    }

    /// An analyst finds the place in the file at once, in block text too.
    #[test]
    fn a_fault_points_at_its_letter() {
        check("a && b", 5, "rules/card.yaml:10:12: wrong\n  a && b\n       ^ did you mean `x`?");
        check(
            "a &&\n  城市 == b",
            17,
            "rules/card.yaml:11:15: wrong\n    城市 == b\n            ^ did you mean `x`?",
        );
        check("", 9, "rules/card.yaml:10:7: wrong\n  \n  ^ did you mean `x`?");
    }

    /// A line of a megabyte is not printed whole.
    #[test]
    fn a_long_line_is_clipped() {
        let fault = Fault::at(
            &Place { file: "f".into(), line: 1, column: 1 },
            &"x".repeat(50_000),
            40_000,
            String::new(),
        );
        assert_eq!((fault.column, fault.caret, fault.source_line.len()), (40_001, 60, 100));
    }
}
