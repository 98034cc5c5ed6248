//! Finding: what the index finds is what a full scan finds, also after its files were damaged, and
//! nothing personal is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::*;
use crate::bundle::shipped_files;
use crate::commands::audit::{find, incident};
use crate::commands::report::fixture::Fixture;
use crate::commands::report::html;
use crate::domain::{Body, EventTime};
use crate::journal::{Item, Reader};

/// Every record of a journal, with the codes that a full scan reads off it.
struct Scanned {
    entry: ReadEntry,
    reasons: Vec<String>,
    rules: Vec<String>,
}

fn scan(journal: &Path) -> Vec<Scanned> {
    let bundle = Bundle::compile(&shipped_files()).unwrap();
    let mut reader = Reader::open(journal).unwrap().unwrap();
    let mut all = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        let Item::Entry(entry) = item else { continue };
        let code = |id: &ReasonId| bundle.reasons[usize::from(id.0)].0.clone();
        let id = |rule: &u16| bundle.rules.rules()[usize::from(*rule)].id.clone();
        let reasons = entry.body().map(|body: &Body| body.reasons.as_slice().iter().map(code));
        all.push(Scanned {
            reasons: reasons.map_or_else(Vec::new, Iterator::collect),
            rules: entry.fired.iter().chain(&entry.shadow).map(id).collect(),
            entry: entry.clone(),
        });
    }
    all
}

fn found(search: &mut Search, query: &Query) -> Vec<u64> {
    let mut seqs = Vec::new();
    let total = search.find(query, usize::MAX, |entry, _| seqs.push(entry.seq.0)).unwrap();
    assert_eq!(total, seqs.len() as u64);
    seqs
}

/// What a full scan finds, said without the index's words.
fn by_scan(all: &[Scanned], query: &Query) -> Vec<u64> {
    let holds = |one: &&Scanned| {
        let (input, body) = (&one.entry.input, one.entry.body());
        let is = |kind, token: Option<Token>| token.is_none() || input.tokens.get(kind) == token;
        let is_card = is(EntityKind::Card, query.card) || is(EntityKind::Payee, query.card);
        query.span.holds(input.received_at)
            && query.action.is_none_or(|action| body.is_some_and(|body| body.action == action))
            && query.score.is_none_or(|(least, most)| {
                body.is_some_and(|body| body.score >= least && body.score <= most)
            })
            && query.reason.as_ref().is_none_or(|code| one.reasons.contains(code))
            && query.rule.as_ref().is_none_or(|id| one.rules.contains(id))
            && is(EntityKind::Merchant, query.merchant)
            && is_card
    };
    all.iter().filter(holds).map(|one| one.entry.seq.0).collect()
}

/// Queries over everything that occurs in the journal, alone and together.
fn queries(all: &[Scanned]) -> Vec<Query> {
    let at = |place: usize| -> EventTime { all[all.len() * place / 10].entry.input.received_at };
    let spans =
        [(None, None), (Some(at(2)), Some(at(7))), (None, Some(at(5))), (Some(at(9)), None)];
    let spans = spans.map(|(from, to)| Span { from, to });
    let mut queries = Vec::new();
    for (number, span) in spans.into_iter().enumerate() {
        let base = Query { span, ..Query::default() };
        for action in Action::ALL {
            queries.push(Query { action: Some(action), ..base.clone() });
        }
        for score in [(0, 0), (1, 299), (300, 1_000), (0, 1_000)] {
            queries.push(Query { score: Some(score), ..base.clone() });
        }
        let reasons: BTreeSet<_> = all.iter().flat_map(|one| one.reasons.clone()).collect();
        let rules: BTreeSet<_> = all.iter().flat_map(|one| one.rules.clone()).collect();
        for reason in reasons {
            queries.push(Query { reason: Some(reason), ..base.clone() });
        }
        for rule in rules {
            let rule = Some(rule);
            queries.push(Query { rule: rule.clone(), score: Some((300, 999)), ..base.clone() });
            queries.push(Query { rule, ..base.clone() });
        }
        for one in all.iter().skip(number).step_by(37) {
            let token = |kind| one.entry.input.tokens.get(kind);
            for card in [token(EntityKind::Card), token(EntityKind::Payee)].into_iter().flatten() {
                queries.push(Query { card: Some(card), ..base.clone() });
            }
            let merchant = token(EntityKind::Merchant);
            queries.push(Query { merchant, action: Some(Action::Approve), ..base.clone() });
        }
        queries.push(Query { card: Some(Token::from_bytes([9; 16])), ..base.clone() });
        queries.push(base);
    }
    queries
}

/// An investigator who finds nothing must be able to conclude that there is nothing.
#[test]
fn the_index_finds_what_a_full_scan_finds() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let all = scan(&journal);
    let queries = queries(&all);
    assert!(queries.len() > 200);
    // The first time indexes are made, the second time they are read from their files.
    for _ in 0..2 {
        let mut segments = 0;
        let mut search = Search::open(&journal, |_, of| segments = of).unwrap();
        assert!(segments > 3, "{segments}");
        assert_eq!(search.inputs(), all.len() as u64);
        let mut some = 0;
        for query in &queries {
            let expected = by_scan(&all, query);
            some += usize::from(!expected.is_empty());
            assert_eq!(found(&mut search, query), expected, "{query:?}");
        }
        assert!(some > 100, "{some}");
    }
    let kept = fs::read_dir(&journal).unwrap().filter(|file| {
        file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "tgx")
    });
    assert!(kept.count() > 3);
}

/// An index is derived: whatever happens to its file, the answer is that of the journal.
#[test]
fn a_damaged_index_is_made_again() {
    let fixture = Fixture::of(700, &[shipped_files()]);
    let journal = fixture.path();
    let all = scan(&journal);
    let mut queries = queries(&all);
    queries.retain(|query| query.span.from.is_none());
    queries.truncate(40);
    drop(Search::open(&journal, |_, _| {}).unwrap());
    let path = journal.join("00000000000000000000.tgx");
    let whole = fs::read(&path).unwrap();
    let check = |bytes: Option<&[u8]>, what: &str| {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let mut search = Search::open(&journal, |_, _| {}).unwrap();
        for query in &queries {
            assert_eq!(found(&mut search, query), by_scan(&all, query), "{what}: {query:?}");
        }
    };
    check(None, "missing");
    for length in [0, 7, 20, whole.len() / 2, whole.len() - 1] {
        check(Some(&whole[..length]), "cut");
    }
    check(Some(&[&whole[..], b"more"].concat()), "longer");
    for at in (0..whole.len()).step_by(whole.len() / 23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        check(Some(&bytes), "a flipped bit");
    }
    // The index of another journal's segment of the same name.
    let other = Fixture::of(700, &[shipped_files()]);
    drop(Search::open(&other.path(), |_, _| {}).unwrap());
    let foreign = fs::read(other.path().join("00000000000000000000.tgx")).unwrap();
    check(Some(&foreign), "foreign");
}

/// A damaged segment is named: a search that passed over it would say "nothing there".
#[test]
fn a_damaged_segment_is_named() {
    let fixture = Fixture::of(700, &[shipped_files()]);
    let path = fixture.path().join("00000000000000000000.tgj");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() * 3 / 4;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let fault = Search::open(&fixture.path(), |_, _| {}).map(drop).unwrap_err();
    assert_eq!(fault.code(), 1, "{fault}");
}

/// A report of an incident counts as a plain loop does, and shows tokens alone.
#[test]
fn an_incident_counts_what_is_there() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let all = scan(&journal);
    let mut by_rule: BTreeMap<&str, u64> = BTreeMap::new();
    for rule in all.iter().flat_map(|one| &one.rules) {
        *by_rule.entry(rule).or_default() += 1;
    }
    let (rule, count) = by_rule.into_iter().max_by_key(|(_, count)| *count).unwrap();
    let query = Query { rule: Some(rule.to_owned()), ..Query::default() };
    let mut search = Search::open(&journal, |_, _| {}).unwrap();
    let report = incident::gather(&mut search, &query, format!("rule {rule}")).unwrap();
    let hit: Vec<_> = all.iter().filter(|one| one.rules.iter().any(|id| id == rule)).collect();
    assert_eq!((report.total.events, hit.len() as u64), (count, count));
    let subject = |one: &&Scanned| {
        let tokens = &one.entry.input.tokens;
        [EntityKind::Account, EntityKind::Card, EntityKind::IdDocument]
            .into_iter()
            .find_map(|kind| tokens.get(kind).map(|token| (kind, token)))
    };
    let subjects: BTreeSet<_> = hit.iter().filter_map(subject).collect();
    assert_eq!(report.subjects.len(), subjects.len());
    let steps: u64 = report.timeline.iter().map(|step| step.counts.events).sum();
    let new: u64 = report.timeline.iter().map(|step| step.new_subjects).sum();
    assert_eq!((steps, new), (count, subjects.len() as u64));
    assert!(report.timeline.len() <= 49);
    let declined =
        |one: &&&Scanned| one.entry.body().is_some_and(|body| body.action == Action::Decline);
    assert_eq!(report.total.declined, hit.iter().filter(declined).count() as u64);
    for shown in [
        sonic_rs::to_string(&report).unwrap(),
        html(&incident::document(&report, 1_000)),
        format!("{:?}", find::table(&report.records)),
    ] {
        fixture.assert_nothing_personal(&shown);
    }
}

/// A name that no bundle knows is a slip of the pen and not an empty answer.
#[test]
fn unknown_names_are_refused() {
    let fixture = Fixture::of(200, &[shipped_files()]);
    let mut search = Search::open(&fixture.path(), |_, _| {}).unwrap();
    for query in [
        Query { rule: Some("NOPE".to_owned()), ..Query::default() },
        Query { reason: Some("nope".to_owned()), ..Query::default() },
    ] {
        let fault = search.find(&query, 1, |_, _| {}).unwrap_err();
        assert_eq!(fault.code(), 2, "{fault}");
    }
    let missing = Search::open(&fixture.path().join("none"), |_, _| {}).map(drop).unwrap_err();
    assert_eq!(missing.code(), 2);
}
