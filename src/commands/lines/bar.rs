//! How far a file is, on a terminal; elsewhere nothing.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use console::Term;

use crate::commands::report::grouped;

/// Between two drawings.
const EVERY: Duration = Duration::from_millis(100);
/// Characters of the bar itself.
const WIDTH: usize = 30;

/// A bar over the bytes of a file; of a pipe, whose end nobody knows, a count.
pub(in crate::commands) struct Bar {
    term: Option<Term>,
    doing: &'static str,
    bytes: Option<u64>,
    started: Instant,
    drawn: Instant,
}

impl Bar {
    /// Drawn only when it may be and standard error is a terminal.
    pub(in crate::commands) fn new(
        doing: &'static str,
        bytes: Option<u64>,
        may_draw: bool,
    ) -> Self {
        let is_drawn = may_draw && std::io::stderr().is_terminal();
        let now = Instant::now();
        Self { term: is_drawn.then(Term::stderr), doing, bytes, started: now, drawn: now }
    }

    /// So many events, and bytes of the file, are through.
    pub(in crate::commands) fn at(&mut self, events: u64, bytes: u64) {
        let Some(term) = &self.term else { return };
        if self.drawn.elapsed() < EVERY {
            return;
        }
        self.drawn = Instant::now();
        let done = Done { events, bytes, of: self.bytes, took: self.started.elapsed() };
        // A terminal that goes away ends the drawing, not the work.
        let _ = term.clear_line();
        let _ = term.write_str(&format!("{} {}", self.doing, done.text()));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(term) = &self.term {
            let _ = term.clear_line();
        }
    }
}

/// How far it is.
struct Done {
    events: u64,
    bytes: u64,
    of: Option<u64>,
    took: Duration,
}

impl Done {
    fn text(&self) -> String {
        let seconds = self.took.as_secs_f64().max(0.001);
        let events = grouped(self.events);
        let rate = grouped((self.events as f64 / seconds) as u64);
        let Some(of) = self.of else { return format!("{events} events  {rate}/s") };
        let share = (self.bytes as f64 / of.max(1) as f64).min(1.0);
        let full = (share * WIDTH as f64) as usize;
        let left_s = (seconds / share.max(1e-9) * (1.0 - share)).min(359_999.0) as u64;
        format!(
            "{}{} {:>5.1}%  {events} events  {rate}/s  {} left",
            "█".repeat(full),
            "░".repeat(WIDTH - full),
            share * 100.0,
            clock(left_s),
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: u64, bytes: u64, of: Option<u64>, took_s: u64, expected: &str) {
        let done = Done { events, bytes, of, took: Duration::from_secs(took_s) };
        assert_eq!(done.text(), expected);
    }

    /// What is left is told from the bytes; an empty file, a file that grew and a pipe divide by
    /// nothing.
    #[test]
    fn a_bar_tells_how_long_it_will_take() {
        let bar = |full: usize| "█".repeat(full) + &"░".repeat(30 - full);
        let quarter = format!("{}  25.0%  1,000 events  100/s  0:30 left", bar(7));
        check(1_000, 500, Some(2_000), 10, &quarter);
        let slow = format!("{}   0.1%  1 events  0/s  2:46:30 left", bar(0));
        check(1, 1, Some(1_000), 10, &slow);
        check(0, 0, Some(0), 0, &format!("{}   0.0%  0 events  0/s  99:59:59 left", bar(0)));
        check(9, 9, Some(3), 1, &format!("{} 100.0%  9 events  9/s  0:00 left", bar(30)));
        check(7_000, 500, None, 7, "7,000 events  1,000/s");
    }
}
