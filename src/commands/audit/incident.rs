//! `tidegate audit incident`: whom it met and how it went, for a stretch of time and a rule or a
//! merchant.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use super::find::{self, Match};
use super::search::{self, Query};
use crate::commands::report::{
    Cell, Document, Fault, Line, Span, Table, Tone, counted, grouped, html, money, print,
};
use crate::domain::{Action, EntityKind, EventTime, Fact};
use crate::journal::ReadEntry;

/// What happened where.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("about").required(true).args(["rule", "merchant"]))]
pub(super) struct Incident {
    /// The journal's directory
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    #[command(flatten)]
    span: Span,
    /// Decisions for which this rule held
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Events at this merchant; needs --keys
    #[arg(long, value_name = "ID")]
    merchant: Option<String>,
    /// The key file whose keys made the journal's tokens
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The report as one JSON document on standard output
    #[arg(long)]
    json: bool,
    /// The report as one self-contained page
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

/// Whom it met and how it went.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    /// What it is about; a merchant as its token.
    pub(super) about: String,
    pub(super) range: String,
    pub(super) total: Counts,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// Different entities that were met, by kind.
    pub(super) entities: BTreeMap<&'static str, u64>,
    /// Those concerned: the payer's account, else the card, else the identity document.
    pub(super) subjects: Vec<Subject>,
    /// Events that name none of these.
    pub(super) without_subject: u64,
    /// Minutes of one step of the timeline.
    pub(super) step_minutes: i64,
    pub(super) timeline: Vec<Step>,
    /// The records, in their order.
    pub(super) records: Vec<Match>,
}

/// How many, how they were answered, how much.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) approved: u64,
    pub(super) challenged: u64,
    pub(super) declined: u64,
    /// Minor units of the base currency, of approved events.
    pub(super) approved_base: i64,
    /// The same as people write it.
    pub(super) approved_amount: String,
}

/// One of those concerned.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Subject {
    pub(super) kind: &'static str,
    pub(super) token: String,
    pub(super) first: String,
    pub(super) last: String,
    #[serde(flatten)]
    pub(super) counts: Counts,
}

/// A stretch of the timeline.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Step {
    pub(super) from: String,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// Subjects first met in it.
    pub(super) new_subjects: u64,
}

/// Minutes of a step, from which the finest is taken that gives few enough.
const STEPS: [i64; 8] = [1, 5, 15, 60, 180, 720, 1_440, 10_080];
/// Steps that a reader takes in.
const STEPS_MAX: i64 = 48;
/// Subjects and records that a screen takes.
const SHOWN: usize = 20;
/// Records that a page takes.
const SHOWN_PAGE: usize = 1_000;

/// Gathers the report and shows it.
pub(super) fn run(args: &Incident) -> Result<(), Fault> {
    args.span.check()?;
    let mut query = Query { span: args.span, rule: args.rule.clone(), ..Query::default() };
    let mut about = args.rule.as_deref().map(|rule| format!("rule {rule}")).unwrap_or_default();
    if let Some(id) = &args.merchant {
        let keys = search::token_keys(&args.journal, args.keys.as_ref(), "--merchant")?;
        let token = search::merchant(id, &keys)?;
        about = format!("merchant {}", token.display(keys.version()));
        query.merchant = Some(token);
    }
    let report = gather(&mut find::open(&args.journal)?, &query, about)?;
    if let Some(path) = &args.html {
        std::fs::write(path, html(&document(&report, SHOWN_PAGE)))
            .map_err(Fault::file(path.display().to_string()))?;
    }
    if args.json {
        let text = sonic_rs::to_string(&report).map_err(|error| Fault::File {
            path: "the report".to_owned(),
            error: io::Error::other(error),
        })?;
        writeln!(io::stdout().lock(), "{text}").map_err(Fault::file("standard output"))
    } else {
        print(&document(&report, SHOWN)).map_err(Fault::file("standard error"))
    }
}

/// What a record adds, kept until the steps are known.
struct Seen {
    at: EventTime,
    action: Option<Action>,
    amount_base: i64,
    subject: Option<(EntityKind, String)>,
}

/// Gathers the report.
pub(super) fn gather(
    search: &mut search::Search,
    query: &Query,
    about: String,
) -> Result<Report, Fault> {
    let mut report = Report { about, range: query.span.shown(), ..Report::default() };
    let (mut seen, mut entities) = (Vec::new(), BTreeMap::new());
    search.find(query, usize::MAX, |entry, names| {
        seen.push(Seen::of(entry));
        for kind in EntityKind::ALL {
            if let Some(token) = entry.input.tokens.get(kind) {
                entities.entry((kind, token)).or_insert(());
            }
        }
        report.records.push(Match::of(entry, names));
    })?;
    for (kind, _) in entities.keys() {
        *report.entities.entry(kind.name()).or_default() += 1;
    }
    report.first = seen.first().map(|one| one.at.to_string());
    report.last = seen.last().map(|one| one.at.to_string());
    seen.iter().for_each(|one| report.total.take(one));
    report.without_subject = seen.iter().filter(|one| one.subject.is_none()).count() as u64;
    report.subjects = subjects(&seen);
    (report.step_minutes, report.timeline) = timeline(&seen);
    let shown = |base| match search.newest_bundle() {
        Some(bundle) => money(base, bundle),
        None => format!("{base} minor units"),
    };
    let steps = report.timeline.iter_mut().map(|step| &mut step.counts);
    let subjects = report.subjects.iter_mut().map(|subject| &mut subject.counts);
    for counts in steps.chain(subjects).chain([&mut report.total]) {
        counts.approved_amount = shown(counts.approved_base);
    }
    Ok(report)
}

impl Seen {
    fn of(entry: &ReadEntry) -> Self {
        let tokens = &entry.input.tokens;
        let kinds = [EntityKind::Account, EntityKind::Card, EntityKind::IdDocument];
        let subject = kinds.into_iter().find_map(|kind| {
            let token = tokens.get(kind)?;
            Some((kind, token.display(entry.input.key_version)))
        });
        Self {
            at: entry.input.received_at,
            action: entry.body().map(|body| body.action),
            amount_base: entry.input.facts.int(Fact::AmountBase).unwrap_or(0),
            subject,
        }
    }
}

impl Counts {
    fn take(&mut self, one: &Seen) {
        self.events += 1;
        match one.action {
            Some(Action::Approve) => {
                self.approved += 1;
                self.approved_base = self.approved_base.saturating_add(one.amount_base);
            }
            Some(Action::Challenge) => self.challenged += 1,
            Some(Action::Decline) => self.declined += 1,
            None => {}
        }
    }
}

/// Those concerned, the most concerned first.
fn subjects(seen: &[Seen]) -> Vec<Subject> {
    let mut subjects: BTreeMap<&(EntityKind, String), Subject> = BTreeMap::new();
    for one in seen {
        let Some(key) = &one.subject else { continue };
        let at = one.at.to_string();
        let subject = subjects.entry(key).or_insert_with(|| Subject {
            kind: key.0.name(),
            token: key.1.clone(),
            first: at.clone(),
            last: at.clone(),
            counts: Counts::default(),
        });
        subject.last = at;
        subject.counts.take(one);
    }
    let mut subjects: Vec<Subject> = subjects.into_values().collect();
    subjects.sort_by_key(|subject| std::cmp::Reverse(subject.counts.events));
    subjects
}

/// Steps from the first record to the last, those without a record too: a pause is news.
fn timeline(seen: &[Seen]) -> (i64, Vec<Step>) {
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return (0, Vec::new()) };
    let span_ms = last.at.as_ms() - first.at.as_ms();
    let fits = |minutes: &&i64| span_ms / (**minutes * 60_000) < STEPS_MAX;
    let minutes = *STEPS.iter().find(fits).unwrap_or(&STEPS[STEPS.len() - 1]);
    let step_ms = minutes * 60_000;
    let start_ms = first.at.as_ms() - first.at.as_ms().rem_euclid(step_ms);
    let count = ((last.at.as_ms() - start_ms) / step_ms + 1) as usize;
    let from = |at: usize| {
        let ms = start_ms + at as i64 * step_ms;
        EventTime::from_ms(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
    };
    let empty = |at| Step { from: from(at), counts: Counts::default(), new_subjects: 0 };
    let mut steps: Vec<Step> = (0..count).map(empty).collect();
    let mut met = std::collections::BTreeSet::new();
    for one in seen {
        // Arrivals never go back, so every record lies between the first and the last.
        let step = &mut steps[((one.at.as_ms() - start_ms) / step_ms) as usize];
        step.counts.take(one);
        if let Some(subject) = &one.subject {
            step.new_subjects += u64::from(met.insert(subject));
        }
    }
    (minutes, steps)
}

/// The report in words and tables.
pub(super) fn document(report: &Report, shown: usize) -> Document {
    let mut document = Document::new(format!("Incident: {}", report.about), report.range.clone());
    let subjects = report.subjects.len() as u64;
    let total = &report.total;
    if total.events == 0 {
        document.verdict("nothing in this stretch", Tone::Good);
        return document;
    }
    let text = format!(
        "{} concern {}; {} passed ({} in all), {} challenged, {} declined",
        counted(total.events, "event"),
        counted(subjects, "subject"),
        grouped(total.approved),
        total.approved_amount,
        grouped(total.challenged),
        grouped(total.declined)
    );
    document.verdict(text, Tone::Warning);
    let mut lines = vec![
        Line::new("first record", report.first.clone().unwrap_or_default()),
        Line::new("last record", report.last.clone().unwrap_or_default()),
    ];
    for (kind, count) in &report.entities {
        lines.push(Line::new(format!("different {kind}"), grouped(*count)));
    }
    document.lines(lines);
    document.heading(format!("Timeline, steps of {} (UTC)", minutes(report.step_minutes)));
    let mut table = Table::new(&[
        "=from",
        ">events",
        ">passed",
        ">challenged",
        ">declined",
        ">amount passed",
        ">new subjects",
    ]);
    for step in &report.timeline {
        let tone = if step.counts.events == 0 { Tone::Quiet } else { Tone::Plain };
        let mut row = vec![Cell::toned(find::seconds(&step.from), tone)];
        row.extend(cells(&step.counts).map(|text| Cell::toned(text, tone)));
        row.push(Cell::toned(grouped(step.new_subjects), tone));
        table.rows.push(row);
    }
    document.table(table);
    concerned(&mut document, report, shown);
    document
}

fn concerned(document: &mut Document, report: &Report, shown: usize) {
    document.heading("Affected subjects");
    let mut table = Table::new(&[
        "=kind",
        "=token",
        ">events",
        ">passed",
        ">challenged",
        ">declined",
        ">amount passed",
    ]);
    for subject in report.subjects.iter().take(shown) {
        let mut row = vec![Cell::from(subject.kind), Cell::from(&*subject.token)];
        row.extend(cells(&subject.counts).map(Cell::from));
        table.rows.push(row);
    }
    document.table(table);
    let left = report.subjects.len().saturating_sub(shown) as u64;
    if left > 0 {
        document.note(format!("{} not shown; --json has all", counted(left, "further subject")));
    }
    if report.without_subject > 0 {
        let count = counted(report.without_subject, "event");
        document.note(format!("{count} without account, card or identity document"));
    }
    document.heading("Records");
    let skipped = report.records.len().saturating_sub(shown);
    document.table(find::table(&report.records[skipped..]));
    if skipped > 0 {
        let left = counted(skipped as u64, "earlier record");
        document.note(format!("{left} not shown; --json has all"));
    }
}

fn cells(counts: &Counts) -> [String; 5] {
    let Counts { events, approved, challenged, declined, approved_amount, .. } = counts;
    let [events, approved, challenged, declined] =
        [events, approved, challenged, declined].map(|count| grouped(*count));
    [events, approved, challenged, declined, approved_amount.clone()]
}

fn minutes(minutes: i64) -> String {
    let count = |number: i64, what: &str| counted(number.unsigned_abs(), what);
    match minutes {
        days if days % 1_440 == 0 => count(days / 1_440, "day"),
        hours if hours % 60 == 0 => count(hours / 60, "hour"),
        minutes => count(minutes, "minute"),
    }
}
