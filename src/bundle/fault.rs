//! One thing that is wrong in a bundle: where, what, and what to do about it.

use std::fmt;

use crate::lang;

/// A place in a file: line and column from 1, in characters; line 0 is the file as a whole.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct At {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One thing that is wrong. A bundle holds no personal value, so a fault may quote it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Fault {
    /// The file, by its name in the bundle.
    pub file: String,
    /// Where in it.
    pub at: At,
    /// What is wrong and what to do about it, as one sentence without a full stop.
    pub message: String,
    /// The line of the file that it speaks of; empty when it speaks of the whole file.
    pub source: String,
    /// It has a meaning all the same, the one that it had when nobody refused it: a bundle that a
    /// journal keeps may have been put in force with it, and must load for ever.
    pub tolerated: bool,
}

/// Longest piece of a source line that is shown.
const SOURCE_MAX_CHARS: usize = 160;

impl Fault {
    /// A fault at a place; the source line is added when the whole bundle was read.
    pub(crate) fn new(file: &str, at: At, message: impl Into<String>) -> Self {
        let (file, message, source) = (file.to_owned(), message.into(), String::new());
        Self { file, at, message, source, tolerated: false }
    }

    /// A fault inside an expression.
    pub(super) fn of_expression(fault: lang::Fault) -> Self {
        let hint = fault.suggestion.map(|near| format!("; did you mean `{near}`?"));
        let at = At { line: fault.line, column: fault.column };
        Self::new(&fault.file, at, fault.message + hint.as_deref().unwrap_or_default())
    }

    /// Adds the line it speaks of.
    pub(super) fn with_source(mut self, text: &str) -> Self {
        let line = self.at.line.checked_sub(1).and_then(|index| text.lines().nth(index as usize));
        self.source = line.unwrap_or_default().chars().take(SOURCE_MAX_CHARS).collect();
        self
    }
}

impl fmt::Display for Fault {
    /// `card.yaml:12:5: what`, then the line with a caret under the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.at.line > 0 {
            write!(f, ":{}:{}", self.at.line, self.at.column)?;
        }
        write!(f, ": {}", self.message)?;
        let column = self.at.column as usize;
        if !self.source.trim().is_empty() && (1..=SOURCE_MAX_CHARS).contains(&column) {
            write!(f, "\n  | {}\n  | {:>column$}", self.source, '^')?;
        }
        Ok(())
    }
}

/// Gathers the faults of one file.
pub(super) struct Report<'a> {
    /// The file that is read.
    pub(super) file: &'a str,
    /// Every fault so far, of this file and of those before.
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Report<'_> {
    /// Notes a fault.
    pub(super) fn fault(&mut self, at: At, message: impl Into<String>) {
        self.faults.push(Fault::new(self.file, at, message));
    }

    /// Notes what cannot have been meant, and is read on as it was before it was a fault.
    pub(super) fn misleads(&mut self, at: At, message: impl Into<String>) {
        self.faults.push(Fault { tolerated: true, ..Fault::new(self.file, at, message) });
    }

    /// Notes that a name is not one of those that could stand here, and which is nearest.
    pub(super) fn unknown<'n>(
        &mut self,
        at: At,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match lang::nearest(name, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if known.len() <= 12 => format!("; one of: {}", known.join(", ")),
            None => String::new(),
        };
        self.fault(at, format!("unknown {what}: `{}`{hint}", shown(name)));
    }
}

/// A text of the bundle as a message may quote it: short and without control characters.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
