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
        self.reached(done, done);
    }

    /// So many events are done, and so many of the steps: bytes of a file, say.
    pub(in crate::commands) fn reached(&mut self, events: u64, done: u64) {
        if self.term.is_some() && events.is_multiple_of(STRIDE) && self.drawn.elapsed() >= EVERY {
            self.drawn = Instant::now();
            self.draw(events, done);
        }
    }

    fn draw(&self, events: u64, done: u64) {
        let Some(term) = &self.term else { return };
        let share = (done as f64 / self.total.max(1) as f64).min(1.0);
        let width = 30;
        let full = (share * width as f64) as usize;
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let left_s = (seconds / share.max(1e-9) * (1.0 - share)).min(359_999.0) as u64;
        // A terminal that goes away ends the drawing, not the work.
        let _ = term.clear_line();
        let _ = term.write_str(&format!(
            "{} {}{} {:>5.1}%  {}  {}/s  {} left",
            self.what,
            "█".repeat(full),
            "░".repeat(width - full),
            share * 100.0,
            grouped(events),
            grouped((events as f64 / seconds) as u64),
            clock(left_s),
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

/// `1:02:03`, `2:03`.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
