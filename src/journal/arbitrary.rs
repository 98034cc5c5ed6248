//! Arbitrary entries for property tests, and a full mobile payment for sizes and benches.

use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::seal::{FreshRandom, KeyCheck, SealKey, TokenKeyName};
use super::{Columns, Opening};
use crate::domain::{
    Action, Activation, Amendment, Applied, Band, Body, Content, Control, DecisionFlags,
    DeviceIdentifier, DeviceIds, EntityKind, EventTime, Fact, Facts, FeatureVector, FieldId,
    FieldSet, FieldType, FollowUps, Ground, GuardMeasure, GuardTrip, Input, LabelSource,
    ListAddition, ListEntry, ListRemoval, ListSource, MissingTables, Observed, OutcomeResult, Past,
    Plan, Proposal, Provenance, ReasonId, Reasons, Refusal, RiskVerification, RuleDiff, Schema,
    Seq, Signature, Source, Standing, SwitchedOff, Token, TokenLookUp, Tokens, Truth, Upgrade,
    What,
};

/// An entry that owns what it needs.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub input: Input,
    pub applied: Applied,
    pub device: Option<Token>,
    pub fired: Vec<u16>,
    pub shadow: Vec<u16>,
    pub undetermined: Vec<u16>,
    pub row: Option<FeatureVector>,
    pub observed: Observed,
}

/// One column of each type beyond the facts, and a few more.
pub(super) fn schema() -> Schema {
    let mut schema = Schema::of_facts();
    for index in 0..12 {
        let types = [
            FieldType::Int,
            FieldType::Float,
            FieldType::Money,
            FieldType::Text,
            FieldType::Bool,
            FieldType::Timestamp,
            FieldType::Id,
        ];
        schema.add(&format!("feature_{index}"), types[index % types.len()], "").unwrap();
    }
    schema
}

pub(super) fn columns() -> Columns {
    Columns::of(&schema())
}

/// An opening with keys and randomness that are the same each time.
pub(super) fn opening(byte: u8) -> Opening {
    Opening {
        key: key(1),
        token_key: TokenKeyName { version: 1, check: KeyCheck([1; 16]) },
        software: "tidegate 0.1.0".to_owned(),
        engine_semantics: 1,
        opened_at: EventTime::from_ms(1_800_000_000_000).unwrap(),
        segment_bytes: 1 << 20,
        fresh: FreshRandom::fixed(byte),
    }
}

pub(super) fn key(id: u32) -> SealKey {
    SealKey::new(id, zeroize::Zeroizing::new([7; 32]))
}

fn token() -> impl Strategy<Value = Token> {
    any::<[u8; 16]>().prop_map(Token::from_bytes)
}

fn time() -> impl Strategy<Value = EventTime> {
    (EventTime::MIN.as_ms()..EventTime::MAX_MS).prop_map(|ms| EventTime::from_ms(ms).unwrap())
}

fn amendment() -> impl Strategy<Value = Amendment> {
    let outcome = (select(OutcomeResult::ALL), of(select(Refusal::ALL)))
        .prop_map(|(result, refusal)| Amendment::Outcome { result, refusal });
    let label = (select(Truth::ALL), of(select(LabelSource::ALL)))
        .prop_map(|(truth, source)| Amendment::Label { truth, source });
    prop_oneof![outcome, label]
}

fn what() -> impl Strategy<Value = What> {
    let amend =
        (token(), amendment()).prop_map(|(target, amendment)| What::Amend { target, amendment });
    prop_oneof![
        3 => Just(What::Decide),
        1 => Just(What::Observe),
        2 => amend,
        1 => Just(What::Control)
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let text = prop_oneof![
        "[a-z]{0,8}",
        select(vec!["payment", "CN", "上海", "Asia/Shanghai"]).prop_map(str::to_owned),
        vec(any::<char>(), 0..16).prop_map(String::from_iter),
    ];
    vec((select(Fact::ALL), any::<i64>(), 0..64_u32, text), 0..90).prop_map(|values| {
        let mut facts = Facts::new();
        for (fact, number, shift, text) in values {
            match fact.field_type() {
                FieldType::Bool => facts.set_bool(fact, number & 1 == 1),
                FieldType::Int | FieldType::Money | FieldType::Timestamp => {
                    facts.set_int(fact, number >> shift);
                }
                FieldType::Float => facts.set_float(fact, float(number, shift)),
                FieldType::Id => facts.set_id(fact, number.cast_unsigned()),
                FieldType::Text => facts.set_text(fact, &text),
            }
        }
        facts
    })
}

/// Floats of every kind: any bits, whole numbers, both zeros.
fn float(number: i64, shift: u32) -> f64 {
    match shift % 3 {
        0 => f64::from_bits(number.cast_unsigned()),
        1 => (number >> shift) as f64,
        _ => -0.0,
    }
}

fn row() -> impl Strategy<Value = FeatureVector> {
    let schema = schema();
    vec((0..12_u16, any::<i64>(), 0..64_u32, ".{0,6}", any::<bool>()), 0..20).prop_map(
        move |values| {
            let mut row = FeatureVector::new(schema.columns());
            row.start(&Facts::new());
            for (index, number, shift, text, approximate) in values {
                let id = FieldId(Facts::COLUMNS as u16 + index);
                match schema.field(id).unwrap().field_type {
                    FieldType::Bool => row.set_bool(id, number & 1 == 1),
                    FieldType::Float => row.set_float(id, float(number, shift)),
                    FieldType::Text => row.set_text(id, &text),
                    _ => row.set_int(id, number >> shift),
                }
                if approximate {
                    row.mark_approximate(id);
                }
            }
            row
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let head = (select(&Action::ALL[..]), any::<u8>(), 0..=1_000_u16, any::<u8>(), any::<i32>());
    let rest = (any::<bool>(), any::<u8>(), any::<u16>(), select(&Plan::ALL[..]));
    (head, vec(any::<u16>(), 0..10), rest).prop_map(|(head, ids, rest)| {
        let mut reasons = Reasons::default();
        ids.into_iter().for_each(|id| reasons.push(ReasonId(id)));
        Body {
            action: head.0,
            follow_ups: FollowUps(head.1),
            score: head.2,
            band: Band(head.3),
            points: head.4,
            reasons,
            risk_verification: if rest.0 {
                RiskVerification::Incomplete
            } else {
                RiskVerification::Complete
            },
            flags: DecisionFlags(rest.1),
            missing: MissingTables(rest.2),
            plan: rest.3,
        }
    })
}

/// What may come of the input with this number. The number is put in by the caller.
fn applied() -> impl Strategy<Value = Applied> {
    let seq = Seq(0);
    prop_oneof![
        4 => body().prop_map(move |body| Applied::Decided { seq, body }),
        1 => (any::<u64>(), body()).prop_map(|(seq, body)| Applied::Repeated { seq: Seq(seq), body }),
        1 => any::<u64>().prop_map(|seq| Applied::Conflict { seq: Seq(seq) }),
        1 => any::<u64>().prop_map(|seq| Applied::AlreadyCounted { seq: Seq(seq) }),
        1 => Just(Applied::Observed { seq }),
        1 => any::<u64>().prop_map(move |target| Applied::Amended { seq, target: Seq(target) }),
        1 => Just(Applied::Parked { seq }),
        1 => Just(Applied::Controlled { seq }),
    ]
}

/// The same, under another number.
pub(super) fn numbered(applied: Applied, seq: Seq) -> Applied {
    match applied {
        Applied::Decided { body, .. } => Applied::Decided { seq, body },
        Applied::Observed { .. } => Applied::Observed { seq },
        Applied::Amended { target, .. } => Applied::Amended { seq, target },
        Applied::Parked { .. } => Applied::Parked { seq },
        Applied::Controlled { .. } => Applied::Controlled { seq },
        Applied::Repeated { .. } | Applied::Conflict { .. } | Applied::AlreadyCounted { .. } => {
            applied
        }
    }
}

/// Any change that a person can make.
fn control() -> impl Strategy<Value = Control> {
    let text = || "[ -~]{0,12}";
    let ids = || vec("[A-Z][0-9]{1,3}", 0..4);
    let diff = || {
        (ids(), ids(), ids()).prop_map(|(added, removed, changed)| RuleDiff {
            added,
            removed,
            changed,
        })
    };
    let provenance = (
        vec(select(ListSource::ALL), 0..3),
        [text(), text(), text(), text(), text()],
        any::<u64>(),
    )
        .prop_map(|(sources, [reason, creator, approver, appeal, legal_basis], batch)| {
            Provenance { sources, reason, creator, approver, appeal, legal_basis, batch }
        });
    let entry = (token(), time()).prop_map(|(token, expires_at)| ListEntry { token, expires_at });
    let list = ("[a-z_]{1,8}", select(&EntityKind::ALL[..]), vec(entry, 0..5), provenance);
    let list =
        (list, any::<bool>()).prop_map(|((list, kind, entries, provenance), is_addition)| {
            if is_addition {
                return Control::ListAdd(ListAddition { list, kind, entries, provenance });
            }
            let tokens = entries.iter().map(|entry| entry.token).collect();
            Control::ListRemove(ListRemoval { list, kind, tokens, provenance })
        });
    let proposal = (any::<[u8; 32]>(), text(), diff())
        .prop_map(|(bundle, proposer, diff)| Control::Propose(Proposal { bundle, proposer, diff }));
    let signature = of((any::<[[u8; 32]; 2]>(), any::<u64>(), time())).prop_map(|signed| {
        signed.map(|([a, b], proposal, expires_at)| {
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&a);
            bytes[32..].copy_from_slice(&b);
            Box::new(Signature { bytes, proposal: Seq(proposal), expires_at })
        })
    });
    let ground = prop_oneof![
        (text(), text(), signature).prop_map(|(proposer, approver, signature)| {
            Ground::Approved { proposer, approver, signature }
        }),
        text().prop_map(|by| Ground::RolledBack { by }),
    ];
    let activation =
        (any::<[[u8; 32]; 2]>(), ground, diff()).prop_map(|([bundle, before], ground, diff)| {
            Control::Activate(Activation { bundle, before, ground, diff })
        });
    let off = [text(), text(), text()]
        .prop_map(|[rule, by, reason]| Control::SwitchOff(SwitchedOff { rule, by, reason }));
    let look_up = (text(), select(&EntityKind::ALL[..]), any::<u32>(), text()).prop_map(
        |(by, kind, count, reason)| Control::LookUp(TokenLookUp { by, kind, count, reason }),
    );
    let guard = (of(text()), ids(), select(GuardMeasure::ALL), any::<[u32; 2]>()).prop_map(
        |(about, rules, measure, [found, limit])| {
            Control::Guard(GuardTrip { about, rules, measure, found, limit })
        },
    );
    let upgrade = (any::<[u32; 2]>(), of(any::<u64>())).prop_map(|([from, to], next)| {
        Control::Upgrade(Upgrade { from, to, snapshot: next.map(Seq) })
    });
    let quiet = prop_oneof![look_up, upgrade];
    prop_oneof![3 => list, 1 => proposal, 1 => activation, 1 => off, 1 => guard, 2 => quiet].boxed()
}

fn tokens() -> impl Strategy<Value = Tokens> {
    vec((select(&EntityKind::ALL[..]), token()), 0..12).prop_map(|pairs| {
        let mut tokens = Tokens::default();
        pairs.into_iter().for_each(|(kind, token)| tokens.set(kind, token));
        tokens
    })
}

fn device() -> impl Strategy<Value = DeviceIds> {
    vec((select(&DeviceIdentifier::ALL[..]), any::<u64>()), 0..10).prop_map(|pairs| {
        let mut device = DeviceIds::default();
        pairs.into_iter().for_each(|(which, id)| device.set(which, id));
        device
    })
}

fn input() -> impl Strategy<Value = Input> {
    let source = of((any::<u16>(), any::<i32>(), any::<i64>())
        .prop_map(|(topic, partition, offset)| Source { topic, partition, offset }));
    let head = (time(), time(), source, "[A-Za-z0-9._:-]{0,64}", token(), any::<[u8; 16]>());
    let attributes = vec(crate::wire::arbitrary::attribute(), 0..3);
    let rest = (of(token()), facts(), any::<u16>(), any::<u16>(), attributes);
    let changed = (what(), control(), of(past()));
    (head, changed, tokens(), device(), rest).prop_map(
        |(head, (what, control, target), tokens, device, rest)| Input {
            received_at: head.0,
            occurred_at: head.1,
            source: head.2,
            event_id: head.3,
            event: head.4,
            content: Content(head.5),
            content_before: None,
            placeholders: crate::domain::Placeholders::default(),
            what,
            tokens,
            device,
            original: rest.0,
            subnet: rest.0,
            facts: rest.1,
            missing: MissingTables(rest.2),
            key_version: rest.3,
            malformed: FieldSet::of_numbers(rest.4.iter().map(|one| one.name.len() as u64)),
            malformed_attributes: rest.4.iter().map(|one| one.name.to_string()).collect(),
            attributes: rest.4,
            known: None,
            target: target.map(Box::new),
            control: (what == What::Control).then(|| Box::new(control)),
        },
    )
}

/// What an amendment keeps of an event that was forgotten.
fn past() -> impl Strategy<Value = Past> {
    let standing = (amendment(), of(time())).prop_map(|(amendment, at)| {
        let standing = at.map_or(Standing::UNKNOWN, |at| Standing::of(amendment, at));
        (amendment, standing)
    });
    let rest = (facts(), vec(standing, 0..3));
    (any::<u64>(), time(), time(), tokens(), rest).prop_map(
        |(seq, occurred_at, received_at, tokens, (facts, amendments))| Past {
            seq: Seq(seq),
            content: Content::default(),
            occurred_at,
            received_at,
            body: None,
            bundle: [0; 32],
            tokens,
            facts,
            amendments,
        },
    )
}

fn rules() -> impl Strategy<Value = Vec<u16>> {
    btree_set(any::<u16>(), 0..6).prop_map(|rules| rules.into_iter().collect())
}

/// Any entry.
pub(super) fn entry() -> impl Strategy<Value = Owned> {
    let observed = (any::<[u32; 7]>(), any::<i32>())
        .prop_map(|(stage_ns, budget_left_us)| Observed { stage_ns, budget_left_us });
    let made = (applied(), of(token())).boxed();
    (input().boxed(), made, [rules(), rules(), rules()], of(row()).boxed(), observed).prop_map(
        |(input, (applied, device), [fired, shadow, undetermined], row, observed)| Owned {
            input,
            applied,
            device,
            fired,
            shadow,
            undetermined,
            row,
            observed,
        },
    )
}
