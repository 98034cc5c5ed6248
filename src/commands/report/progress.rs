//! A bar on a terminal while something takes long; elsewhere nothing.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use console::Term;

use super::grouped;

/// Between two drawings.
const EVERY: Duration = Duration::from_millis(100);
/// Steps between two looks at the clock.
const STRIDE: u64 = 1_024;

/// A bar of known length.
pub(in crate::commands) struct Progress {
    term: Option<Term>,
    what: &'static str,
    total: u64,
    started: Instant,
    drawn: Instant,
}

impl Progress {
    /// A bar over `total` steps; drawn only when standard error is a terminal.
    pub(in crate::commands) fn new(what: &'static str, total: u64) -> Self {
        let term = std::io::stderr().is_terminal().then(Term::stderr);
        let now = Instant::now();
        Self { term, what, total, started: now, drawn: now }
    }

    /// So many steps are done.
    pub(in crate::commands) fn at(&mut self, done: u64) {
        if self.term.is_some() && done.is_multiple_of(STRIDE) && self.drawn.elapsed() >= EVERY {
            self.drawn = Instant::now();
            self.draw(done);
        }
    }

    fn draw(&self, done: u64) {
        let Some(term) = &self.term else { return };
        let share = (done as f64 / self.total.max(1) as f64).min(1.0);
        let width = 30;
        let full = (share * width as f64) as usize;
        let per_s = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        // A terminal that goes away ends the drawing, not the work.
        let _ = term.clear_line();
        let _ = term.write_str(&format!(
            "{} {}{} {:>5.1}%  {} of {}  {}/s",
            self.what,
            "█".repeat(full),
            "░".repeat(width - full),
            share * 100.0,
            grouped(done),
            grouped(self.total),
            grouped(per_s as u64),
        ));
    }

    /// Takes the bar away.
    pub(in crate::commands) fn clear(&self) {
        if let Some(term) = &self.term {
            let _ = term.clear_line();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
