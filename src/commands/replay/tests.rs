//! Replay: clean on what the engine made, the right input named on what it did not, and a what-if
//! that counts as a plain loop does.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::bundle::shipped_files;
use crate::commands::report::fixture::{Fixture, limits, rules_with};
use crate::commands::report::html;
use crate::domain::{Applied, EventTime, Plan, Seq};
use crate::edges::keys::Keys;
use crate::engine::{Engine, Fixed, Shelf};
use crate::journal::{
    Durability, Entry, FreshRandom, Hits, Item, Opening, ReadEntry, Reader, Writer,
};

fn wanted(journal: &Path) -> run::Wanted<'_> {
    let (span, origin) = (Span::default(), Origin::default());
    run::Wanted { journal, span, event: None, what_if: None, limits: limits(), origin }
}

fn entries(journal: &Path) -> Vec<ReadEntry> {
    let mut reader = Reader::open(journal).unwrap().unwrap();
    let mut all = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Entry(entry) = item {
            all.push(entry.clone());
        }
    }
    all
}

/// Other bands: a challenge where a review was enough, and earlier reviews.
fn stricter_rules() -> BTreeMap<String, Vec<u8>> {
    rules_with(
        "policy.yaml",
        "up_to: 399, action: approve}\n    - {name: medium, up_to: 599, ",
        "up_to: 49, action: approve}\n    - {name: medium, up_to: 149, ",
    )
}

/// The promise of the whole design: across segments, restarts and a change of rules every body is
/// the same, from the beginning, from the middle, and for one event.
#[test]
fn what_the_engine_made_replays_exactly() {
    let rules = [shipped_files(), shipped_files(), stricter_rules()];
    let fixture = Fixture::of(2_400, &rules);
    let journal = fixture.path();
    let all = entries(&journal);
    let report = run::replay(&wanted(&journal)).unwrap();
    assert!(report.is_clean(), "{:?}", report.first_difference);
    assert_eq!((report.inputs, report.counted_before), (all.len() as u64, 0));
    assert_eq!(report.bundles.len(), 2, "{:?}", report.bundles);

    let (from, to) = (all[500].input.received_at, all[2_000].input.received_at);
    let span = Span { from: Some(from), to: Some(to) };
    let report = run::replay(&run::Wanted { span, ..wanted(&journal) }).unwrap();
    let inside = all.iter().filter(|entry| span.holds(entry.input.received_at)).count();
    assert!(report.is_clean(), "{:?}", report.first_difference);
    assert_eq!(report.inputs, inside as u64);
    assert!(report.counted_before >= 490, "{}", report.counted_before);

    let (event, decided) = (&all[1_900], &all[1_900].input.event_id);
    let report = run::replay(&run::Wanted { event: Some(decided), ..wanted(&journal) }).unwrap();
    assert_eq!(report.inputs, 1);
    let shown = report.event.as_ref().unwrap();
    assert!(!shown.differs && shown.seq <= event.seq.0, "{shown:?}");
    for shown in
        [sonic_rs::to_string(&report).unwrap(), html(&document::of(&report)), csv::of(&report)]
    {
        fixture.assert_nothing_personal(&shown);
    }
}

/// Copies a journal, with the answer of one input changed by `change`.
fn with_a_wrong_body(journal: &Path, wrong: Seq, change: Change) -> Copy {
    let copy = tempfile::tempdir().unwrap();
    let opening = Opening {
        key: Keys::demo().seal_key(),
        token_key: Keys::demo().token_key(),
        software: "a test".to_owned(),
        engine_semantics: crate::engine::ENGINE_SEMANTICS,
        opened_at: EventTime::from_ms(1_800_000_000_000).unwrap(),
        segment_bytes: 400 << 10,
        fresh: FreshRandom::draw().unwrap(),
    };
    let mut writer = Writer::open(copy.path(), opening).unwrap();
    let mut reader = Reader::open(journal).unwrap().unwrap();
    let mut changed = false;
    while let Some(item) = reader.read().unwrap() {
        match item {
            Item::Start(_) => {}
            Item::Bundle(bundle) => drop(writer.activate(bundle).unwrap()),
            Item::Entry(entry) => {
                let mut applied = entry.applied;
                if let Applied::Decided { seq, body } = &mut applied
                    && *seq >= wrong
                    && !changed
                {
                    change(body);
                    changed = true;
                }
                let ReadEntry { fired, shadow, undetermined, .. } = entry;
                let entry = Entry {
                    seq: entry.seq,
                    input: &entry.input,
                    applied,
                    device: entry.device,
                    hits: Hits { fired, shadow, undetermined },
                    features: None,
                    bundle: entry.bundle,
                    observed: &entry.observed,
                };
                writer.append(&entry, None).unwrap();
            }
        }
    }
    writer.flush(Durability::Written).unwrap();
    writer.close().unwrap();
    copy
}

type Copy = tempfile::TempDir;
type Change = fn(&mut crate::domain::Body);

/// An investigator must learn which answer was altered, and in what, whichever byte it was.
#[test]
fn one_altered_body_is_found_and_shown() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let decided = entries(&journal);
    let wrong = decided[1_500..].iter().find(|entry| entry.body().is_some()).unwrap().seq;
    let changes: [(&str, Change); 5] = [
        ("score", |body| body.score ^= 1),
        ("band", |body| body.band.0 = 3),
        ("action", |body| body.action = crate::domain::Action::Challenge),
        ("flags", |body| body.flags.0 ^= 8),
        ("points", |body| body.points -= 1),
    ];
    for (name, change) in changes {
        let copy = with_a_wrong_body(&journal, wrong, change);
        let report = run::replay(&wanted(copy.path())).unwrap();
        assert_eq!(report.differences, 1, "{name}");
        let first = report.first_difference.as_ref().unwrap();
        assert_eq!(first.seq, wrong.0);
        let differing: Vec<_> = first.fields.iter().filter(|field| field.differs).collect();
        assert!(
            differing.iter().any(|field| field.name == name || field.name.contains("bytes")),
            "{name}: {differing:?}"
        );
        // Both sides call the band what the policy does.
        let band = first.fields.iter().find(|field| field.name == "band").unwrap();
        assert_eq!(
            (&*band.journal, &*band.replay),
            match name {
                "band" => ("critical", "low"),
                _ => ("low", "low"),
            }
        );
        assert_eq!(report.semantics[0].differences, 1);
        let page = html(&document::of(&report));
        assert!(page.contains("The first difference: input "), "{page}");
        assert!(csv::of(&report).lines().count() > 1);
        fixture.assert_nothing_personal(&page);
    }
}

/// The counts of a what-if are those of a plain loop over the records with a fresh engine.
#[test]
fn a_what_if_counts_as_a_plain_loop_does() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let bundle = Arc::new(Bundle::compile(&stricter_rules()).unwrap());
    let mut engine = Engine::new(Arc::clone(&bundle), &limits()).unwrap();
    let (mut changed, mut other, mut decisions) = (BTreeMap::new(), 0, 0);
    for entry in entries(&journal) {
        let applied = engine.apply(&entry.input, &mut Fixed(Plan::Full));
        let (Some(then), Applied::Decided { body: now, .. }) = (entry.body(), applied) else {
            continue;
        };
        decisions += 1;
        let answer = |body: &crate::domain::Body| (body.action, body.follow_ups.0);
        if answer(then) == answer(&now) {
            other += u64::from(*then != now);
        } else {
            *changed.entry((answer(then), answer(&now))).or_insert(0_u64) += 1;
        }
    }
    assert!(changed.len() > 1, "the test's rules must change something: {changed:?}");
    let what_if = Some(Arc::clone(&bundle));
    let report = run::replay(&run::Wanted { what_if, ..wanted(&journal) }).unwrap();
    let found = report.what_if.as_ref().unwrap();
    let total: u64 = changed.values().sum();
    assert_eq!((found.decisions, found.changed, found.other), (decisions, total, other));
    let mut counts: Vec<u64> = changed.values().copied().collect();
    let mut found_counts: Vec<u64> = found.transitions.iter().map(|one| one.decisions).collect();
    counts.sort_unstable();
    found_counts.sort_unstable();
    assert_eq!(found_counts, counts);
    for slices in [&found.services, &found.amounts, &found.days] {
        assert_eq!(slices.iter().map(|slice| slice.changed).sum::<u64>(), total);
        assert_eq!(slices.iter().map(|slice| slice.decisions).sum::<u64>(), decisions);
    }
    assert!(!report.is_clean());
    for shown in
        [sonic_rs::to_string(&report).unwrap(), html(&document::of(&report)), csv::of(&report)]
    {
        fixture.assert_nothing_personal(&shown);
    }
}

/// What cannot be replayed is the caller's mistake, in a sentence.
#[test]
fn wrong_usage_has_its_code() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(run::replay(&wanted(empty.path())).unwrap_err().code(), 2);
    assert_eq!(run::replay(&wanted(&empty.path().join("none"))).unwrap_err().code(), 2);
    let fixture = Fixture::of(200, &[shipped_files()]);
    let journal = fixture.path();
    let unknown = run::Wanted { event: Some("nobody"), ..wanted(&journal) };
    let fault = run::replay(&unknown).unwrap_err();
    assert_eq!((fault.code(), fault.to_string().contains("no event nobody")), (2, true));
}

/// What was found, without where its state came from and how long it took.
fn found(report: &Report) -> String {
    let report = Report { counted_before: 0, begun: Vec::new(), elapsed_s: 0.0, ..report.clone() };
    sonic_rs::to_string(&report).unwrap()
}

/// Snapshots save the time since the beginning of the journal and change no finding; a damaged one
/// is named, and the next older one serves; without any the journal is enough.
#[test]
fn a_replay_from_a_snapshot_equals_one_from_the_beginning() {
    let fixture = Fixture::with_snapshots(1_800, &[shipped_files(), stricter_rules()], 300);
    let journal = fixture.path();
    let all = entries(&journal);
    let kept = Shelf::of(&journal).kept();
    let [older, nearest, last] = kept.last_chunk().unwrap();
    assert!(last.next.0 > nearest.next.0 + 40, "{kept:?}");
    // Within the range one bundle follows another in half of the cases.
    let from = all[nearest.next.0 as usize + 20].input.received_at;
    let span = Span { from: Some(from), to: None };
    let early = Span { from: Some(all[700].input.received_at), to: None };
    let other = Arc::new(Bundle::compile(&stricter_rules()).unwrap());
    for span in [span, early] {
        for what_if in [None, Some(&other)] {
            let replay = |origin| {
                let what_if = what_if.cloned();
                run::replay(&run::Wanted { span, what_if, origin, ..wanted(&journal) }).unwrap()
            };
            let (near, far) = (replay(Origin::Snapshot), replay(Origin::FirstInput));
            assert_eq!(found(&near), found(&far));
            assert!(near.counted_before < far.counted_before, "{:?}", near.begun);
            assert!(far.begun.iter().all(|begun| begun.snapshot.is_none()));
        }
    }
    let id = &all[nearest.next.0 as usize + 5].input.event_id;
    let replay = |origin| {
        let wanted = run::Wanted { event: Some(id), origin, ..wanted(&journal) };
        run::replay(&wanted).unwrap()
    };
    assert_eq!(found(&replay(Origin::Snapshot)), found(&replay(Origin::FirstInput)));

    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut bytes = std::fs::read(&nearest.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&nearest.path, bytes).unwrap();
    let replay = || run::replay(&run::Wanted { span, ..wanted(&journal) }).unwrap();
    let report = replay();
    let begun = &report.begun[0];
    assert!(report.is_clean() && begun.snapshot == Some(name(&older.path)), "{begun:?}");
    let [passed] = begun.passed_over.as_slice() else { panic!("{begun:?}") };
    assert_eq!((&passed.snapshot, passed.is_damaged), (&name(&nearest.path), true));
    let page = html(&document::of(&report));
    assert!(page.contains(&passed.snapshot) && page.contains("it is damaged at byte"), "{page}");

    kept.iter().for_each(|kept| std::fs::remove_file(&kept.path).unwrap());
    let report = replay();
    assert!(report.is_clean());
    assert_eq!((&report.begun[0].snapshot, report.begun[0].first_counted), (&None, 1));
    assert!(html(&document::of(&report)).contains("counted from the first input on"));
}

/// Where old segments were deleted, what is left is replayed from the oldest snapshot on; without
/// one the reader is told why there is no answer.
#[test]
fn a_journal_without_its_beginning_is_replayed_from_a_snapshot() {
    // Small segments, so many that the bundle is written again.
    let fixture = Fixture::with_snapshots(3_000, &[shipped_files()], 600);
    let journal = fixture.path();
    let beginnings = crate::journal::Directory::from(&journal).beginnings().unwrap();
    let first = beginnings.iter().rposition(|one| one.bundle_in.is_none()).unwrap();
    assert!(first > 0, "{} segments", beginnings.len());
    beginnings[..first].iter().for_each(|one| std::fs::remove_file(&one.path).unwrap());
    let kept = Shelf::of(&journal).kept();
    let left = beginnings[first].first_seq;
    let report = run::replay(&wanted(&journal)).unwrap();
    let anchor = kept.iter().map(|kept| kept.next).find(|next| *next >= left).unwrap();
    assert!(report.is_clean() && report.inputs > 0);
    assert_eq!(report.begun[0].first_counted, anchor.0);
    kept.iter().for_each(|kept| std::fs::remove_file(&kept.path).unwrap());
    let fault = run::replay(&wanted(&journal)).unwrap_err();
    assert_eq!(fault.code(), 2);
    assert!(fault.to_string().contains("not there any more"), "{fault}");
}
