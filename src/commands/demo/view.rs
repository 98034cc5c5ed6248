//! How it looks: a block of lines that is redrawn on a terminal, and the summary at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{Term, style, truncate_str};

use super::tally::{Summary, Tally};

/// The live block. Off a terminal it draws nothing.
pub(super) struct View {
    term: Option<Term>,
    lines: usize,
}

impl View {
    pub(super) fn new(live: bool) -> Self {
        Self { term: live.then(Term::stderr), lines: 0 }
    }

    pub(super) fn draw(&mut self, tally: &Tally, elapsed: Duration) {
        let Some(term) = &self.term else { return };
        let width = usize::from(term.size().1).max(40);
        let lines = block(tally, elapsed, width);
        // A terminal that goes away ends the drawing, not the demo.
        let _ = term.clear_last_lines(self.lines);
        for line in &lines {
            let _ = term.write_line(&truncate_str(line, width - 1, "…"));
        }
        self.lines = lines.len();
    }

    pub(super) fn clear(&mut self) {
        if let Some(term) = &self.term {
            let _ = term.clear_last_lines(self.lines);
            self.lines = 0;
        }
    }
}

fn block(tally: &Tally, elapsed: Duration, width: usize) -> Vec<String> {
    let answered = tally.answered();
    let done = (answered as f64 / tally.total.max(1) as f64).min(1.0);
    let bar = 30.min(width / 3);
    let full = (done * bar as f64) as usize;
    let per_second = tally.decided as f64 / elapsed.as_secs_f64().max(0.1);
    let ms = |quantile| tally.latency.value_at_quantile(quantile) as f64 / 1_000.0;
    let mut lines = vec![
        format!(
            "{} {}{} {:>5.1}%  {:>8} decided  {:>7.0}/s",
            style("tidegate").bold(),
            "█".repeat(full),
            "░".repeat(bar - full),
            done * 100.0,
            tally.decided,
            per_second,
        ),
        format!(
            "latency, sent to decision read:  p50 {:.1} ms   p99 {:.1} ms   p99.9 {:.1} ms",
            ms(0.5),
            ms(0.99),
            ms(0.999)
        ),
        actions(&tally.actions),
        format!("reasons: {}", top(&tally.reasons, 6)),
        format!("dead letters: {}", top(&tally.dead, 6)),
    ];
    lines.extend(tally.samples.iter().map(|sample| style(sample).dim().to_string()));
    lines
}

fn actions(counts: &BTreeMap<String, u64>) -> String {
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    format!(
        "{} {}   {} {}   {} {}",
        style("approve").green(),
        count("approve"),
        style("challenge").yellow(),
        count("challenge"),
        style("decline").red(),
        count("decline"),
    )
}

fn top(counts: &BTreeMap<String, u64>, most: usize) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let texts: Vec<_> =
        sorted.iter().take(most).map(|(name, count)| format!("{name} {count}")).collect();
    if texts.is_empty() { "none yet".to_owned() } else { texts.join(", ") }
}

/// The summary for people, on standard error.
pub(super) fn print_summary(summary: &Summary) {
    eprintln!(
        "{} messages sent, {} events decided in {:.1} s ({:.0}/s); {} repeated answers, {} left \
         undecided",
        summary.messages,
        summary.decided,
        summary.seconds,
        summary.per_second,
        summary.repeats,
        summary.undecided
    );
    eprintln!(
        "latency, sent to decision read: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms",
        summary.latency_p50_us as f64 / 1_000.0,
        summary.latency_p99_us as f64 / 1_000.0,
        summary.latency_p999_us as f64 / 1_000.0
    );
    eprintln!("{}", actions(&summary.actions));
    eprintln!("reasons: {}", top(&summary.reasons, 10));
    eprintln!("dead letters: {}", top(&summary.dead_letters, 10));
    eprintln!();
    eprintln!(
        "planted campaigns, and how many were flagged (stopped, reviewed or given a reason):"
    );
    eprintln!("  {:<10} {:>22} {:>22}", "typology", "at or above threshold", "below threshold");
    for (name, typology) in &summary.typologies {
        let pair = |flagged: u64, planted: u64| {
            if planted == 0 { "-".to_owned() } else { format!("{flagged} of {planted}") }
        };
        eprintln!(
            "  {:<10} {:>22} {:>22}{}",
            name,
            pair(typology.flagged_at_or_above, typology.planted_at_or_above),
            pair(typology.flagged_below, typology.planted_below),
            if typology.fraud { "" } else { "  (no fraud: a circumstance or a fault)" },
        );
    }
    eprintln!(
        "clean events: {}; challenged or declined {:.3}%, passed and put before a person {:.3}%",
        summary.clean_events,
        summary.clean_stopped_share * 100.0,
        summary.clean_reviewed_share * 100.0
    );
}

/// The summary for programs, on standard output.
pub(super) fn print_json(summary: &Summary) {
    use std::io::Write as _;
    let text = sonic_rs::to_string(summary).unwrap_or_default();
    // A reader that has gone needs no answer.
    let _ = writeln!(std::io::stdout(), "{text}");
}
