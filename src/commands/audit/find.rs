//! `tidegate audit find`: the records that speak of something, without reading the others.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::line::{follow_ups, result};
use super::search::{self, Names, Query, Search};
use crate::commands::report::{
    Cell, Document, Fault, Progress, Span, Table, Tone, amount, counted, print,
};
use crate::domain::{Action, Fact};
use crate::journal::ReadEntry;

/// What to look for.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Find {
    /// The journal's directory
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    #[command(flatten)]
    span: Span,
    /// Decisions with this action: approve, challenge or decline
    #[arg(long, value_parser = action)]
    action: Option<Action>,
    /// Decisions that give this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Decisions for which this rule held, with effect or as a shadow
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Events at this merchant; needs --keys
    #[arg(long, value_name = "ID")]
    merchant: Option<String>,
    /// Decisions with a score from A to B, both included
    #[arg(long, value_name = "A..B", value_parser = score)]
    score: Option<(u16, u16)>,
    /// Events of a card, whose number is asked for and never shown (from a pipe: one line); needs
    /// --keys
    #[arg(long)]
    card: bool,
    /// The key file whose keys made the journal's tokens
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// How many of the newest to show; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    /// Inputs of the journal.
    pub(super) inputs: u64,
    /// Records that are what was asked for.
    pub(super) total: u64,
    /// The newest of them, in their order.
    pub(super) matches: Vec<Match>,
    /// Milliseconds that looking took, without making indexes that were missing.
    pub(super) elapsed_ms: f64,
}

/// One record in short.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Match {
    pub(super) seq: u64,
    pub(super) event_id: String,
    pub(super) received_at: String,
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) amount_minor: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) result: &'static str,
    pub(super) action: Option<&'static str>,
    pub(super) follow_ups: Vec<&'static str>,
    pub(super) score: Option<u16>,
    pub(super) reasons: Vec<String>,
    pub(super) rules: Vec<String>,
}

fn action(text: &str) -> Result<Action, String> {
    Action::parse(text).ok_or_else(|| "is approve, challenge or decline".to_owned())
}

/// `400..599`, `900..`, `..99`.
fn score(text: &str) -> Result<(u16, u16), String> {
    let wrong = || "is a stretch of scores such as 400..599, 900.. or ..99".to_owned();
    let (least, most) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str, absent| match text {
        "" => Ok(absent),
        text => text.parse().map_err(|_| wrong()),
    };
    let (least, most) = (number(least, 0)?, number(most, 1_000)?);
    if least <= most { Ok((least, most)) } else { Err(wrong()) }
}

/// Looks, and shows what was found.
pub(super) fn run(args: &Find) -> Result<(), Fault> {
    args.span.check()?;
    let query = query(args)?;
    let found = find(args, &query)?;
    if args.json {
        let text = sonic_rs::to_string(&found).map_err(|error| Fault::File {
            path: "the answer".to_owned(),
            error: io::Error::other(error),
        })?;
        writeln!(io::stdout().lock(), "{text}").map_err(Fault::file("standard output"))
    } else {
        print(&document(&found, args)).map_err(Fault::file("standard error"))
    }
}

fn query(args: &Find) -> Result<Query, Fault> {
    let mut query = Query {
        span: args.span,
        action: args.action,
        score: args.score,
        reason: args.reason.clone(),
        rule: args.rule.clone(),
        ..Query::default()
    };
    if let Some(id) = &args.merchant {
        let keys = search::token_keys(&args.journal, args.keys.as_ref(), "--merchant")?;
        query.merchant = Some(search::merchant(id, &keys)?);
    }
    if args.card {
        let keys = search::token_keys(&args.journal, args.keys.as_ref(), "--card")?;
        query.card = Some(search::card(&keys)?);
    }
    Ok(query)
}

fn find(args: &Find, query: &Query) -> Result<Found, Fault> {
    let mut search = open(&args.journal)?;
    let started = Instant::now();
    let mut matches = Vec::new();
    let most = if args.limit == 0 { usize::MAX } else { args.limit };
    let total = search.find(query, most, |entry, names| matches.push(Match::of(entry, names)))?;
    let elapsed_ms = started.elapsed().as_secs_f64() * 1_000.0;
    Ok(Found { inputs: search.inputs(), total, matches, elapsed_ms })
}

/// Opens the indexes, with a bar while missing ones are made.
pub(super) fn open(journal: &std::path::Path) -> Result<Search, Fault> {
    let mut progress: Option<Progress> = None;
    Search::open(journal, |done, of| {
        progress.get_or_insert_with(|| Progress::new("indexing", of as u64)).at(done as u64);
    })
}

impl Match {
    pub(super) fn of(entry: &ReadEntry, names: &Names<'_>) -> Self {
        let facts = &entry.input.facts;
        let text = |fact| facts.text(fact).unwrap_or_default().to_owned();
        let body = entry.body();
        Self {
            seq: entry.seq.0,
            event_id: entry.input.event_id.clone(),
            received_at: entry.input.received_at.to_string(),
            kind: text(Fact::Kind),
            service: text(Fact::Service),
            amount_minor: facts.int(Fact::AmountMinor),
            currency: facts.text(Fact::Currency).map(str::to_owned),
            result: result(&entry.applied).0,
            action: body.map(|body| body.action.name()),
            follow_ups: body.map_or_else(Vec::new, follow_ups),
            score: body.map(|body| body.score),
            reasons: names.reasons(entry),
            rules: names.rules(entry),
        }
    }

    /// Action and follow-ups in one word and the score, or what came of it.
    pub(super) fn answer(&self) -> String {
        let Some(action) = self.action else { return self.result.to_owned() };
        let words = std::iter::once(action).chain(self.follow_ups.iter().copied());
        let score = self.score.unwrap_or_default();
        format!("{} {score}", words.collect::<Vec<_>>().join("+"))
    }

    /// The amount in its own currency.
    pub(super) fn amount(&self) -> String {
        match (self.amount_minor, &self.currency) {
            (Some(minor), Some(currency)) => amount(minor, currency),
            _ => String::new(),
        }
    }
}

fn document(found: &Found, args: &Find) -> Document {
    let lead = format!("{}, {}", args.journal.display(), args.span.shown());
    let mut document = Document::new("Find", lead);
    let all = counted(found.inputs, "input");
    let text =
        format!("{} of {all}, found in {:.1} ms", counted(found.total, "record"), found.elapsed_ms);
    document.verdict(text, if found.total > 0 { Tone::Strong } else { Tone::Plain });
    document.table(table(&found.matches));
    let left = found.total - found.matches.len() as u64;
    if left > 0 {
        let left = counted(left, "earlier record");
        document.note(format!("{left} not shown: --limit N shows more, 0 shows all"));
    }
    document
}

/// A moment without its milliseconds: JSON has them.
pub(super) fn seconds(moment: &str) -> String {
    moment.get(..19).map_or_else(|| moment.to_owned(), |seconds| format!("{seconds}Z"))
}

/// Records as rows.
pub(super) fn table(matches: &[Match]) -> Table {
    let names = [">input", "=received", "=event", ">amount", "=decision, score", "rules"];
    let mut table = Table::new(&names);
    for one in matches {
        let tone = match one.action {
            Some("decline") => Tone::Bad,
            Some("challenge") => Tone::Warning,
            _ => Tone::Plain,
        };
        table.row([
            Cell::from(one.seq),
            Cell::from(seconds(&one.received_at)),
            Cell::from(&*one.event_id),
            Cell::from(one.amount()),
            Cell::toned(one.answer(), tone),
            Cell::from(one.rules.join(" ")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::score;

    /// A stretch of scores is taken as it is meant, or refused.
    #[test]
    fn scores_are_stretches() {
        for (text, expected) in [
            ("400..599", Some((400, 599))),
            ("900..", Some((900, 1_000))),
            ("..99", Some((0, 99))),
            ("..", Some((0, 1_000))),
            ("5..5", Some((5, 5))),
            ("9..5", None),
            ("5", None),
            ("a..b", None),
            ("-1..5", None),
            ("0..70000", None),
        ] {
            assert_eq!(score(text).ok(), expected, "{text}");
        }
    }
}
