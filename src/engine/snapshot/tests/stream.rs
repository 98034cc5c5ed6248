//! Streams that reach every corner of the state: ties, late events, repeats, conflicts, reversals,
//! outcomes before and after their event, keys that are displaced, and one key under attack.

use super::*;

/// One step of a stream.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Event { ahead: i64, late: i64, keys: [u8; EntityKind::COUNT], amount: i64, shape: u8 },
    Reverse { ahead: i64, back: usize },
    Repeat { back: usize, is_other: bool },
    Amend { ahead: i64, back: usize, is_unknown: bool, amendment: Amendment },
    List { ahead: i64, keys: Vec<u8>, is_addition: bool, lasts: i64 },
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ahead =
        prop_oneof![3 => Just(0_i64), 6 => 1..MINUTE, 2 => MINUTE..HOUR, 1 => HOUR..30 * HOUR];
    let late = prop_oneof![6 => Just(0_i64), 1 => 1..MINUTE, 1 => MINUTE..(6 * 24 * HOUR)];
    // Half of all events meet at key 0 of each kind; the others are more than are kept.
    let key = || prop_oneof![Just(0_u8), 1..40_u8];
    let keys = [(); EntityKind::COUNT].map(|()| key());
    let event = (ahead.clone(), late, keys, 0..1_000_000_i64, any::<u8>()).prop_map(
        |(ahead, late, keys, amount, shape)| Step::Event { ahead, late, keys, amount, shape },
    );
    let outcome = |result, refusal| Just(Amendment::Outcome { result, refusal });
    let amendment = prop_oneof![
        outcome(OutcomeResult::Approved, None),
        outcome(OutcomeResult::Reversed, None),
        outcome(OutcomeResult::Refused, Some(Refusal::InvalidCredential)),
        Just(Amendment::Label { truth: Truth::Fraud, source: None }),
        Just(Amendment::Label { truth: Truth::Legitimate, source: None }),
    ];
    let amend = (ahead.clone(), 0..150_usize, any::<bool>(), amendment).prop_map(
        |(ahead, back, is_unknown, amendment)| Step::Amend { ahead, back, is_unknown, amendment },
    );
    let repeat =
        (0..150_usize, any::<bool>()).prop_map(|(back, is_other)| Step::Repeat { back, is_other });
    let listed =
        (ahead.clone(), proptest::collection::vec(key(), 1..30), any::<bool>(), 1..HOUR).prop_map(
            |(ahead, keys, is_addition, lasts)| Step::List { ahead, keys, is_addition, lasts },
        );
    let reverse = (ahead, 0..100_usize).prop_map(|(ahead, back)| Step::Reverse { ahead, back });
    let step = prop_oneof![12 => event, 4 => amend, 1 => repeat, 1 => reverse, 1 => listed];
    proptest::collection::vec(step, 60..400)
}

/// A stream without chance, for tests that need no other.
pub(super) fn plain(count: u64) -> Vec<Input> {
    let event = |n: u64| Step::Event {
        ahead: (n * 7_919 % 90_000) as i64,
        late: 0,
        keys: std::array::from_fn(|kind| (n * 31 % (5 + 3 * kind as u64)) as u8),
        amount: (n * 977 % 100_000) as i64,
        shape: n as u8,
    };
    inputs(&(0..count).map(event).collect::<Vec<_>>())
}

pub(super) fn inputs(steps: &[Step]) -> Vec<Input> {
    let mut clock = 1_798_556_400_000;
    let mut inputs: Vec<Input> = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let n = n as u64;
        let back = |back: usize| inputs.len().checked_sub(1 + back).map(|at| &inputs[at]);
        let mut input = match step {
            Step::Event { ahead, late, keys, amount, shape } => {
                clock += ahead;
                event(n, clock - late, keys, *amount, *shape)
            }
            Step::Reverse { ahead, back: distance } => {
                clock += ahead;
                let Some(original) = back(*distance) else { continue };
                let mut input = event(n, clock, &[1; EntityKind::COUNT], 5, 0);
                input.original = Some(original.event);
                input.facts.set_text(Fact::Kind, "reversal");
                input
            }
            Step::Repeat { back: distance, is_other } => {
                let Some(before) = back(*distance) else { continue };
                let mut input = before.clone();
                if *is_other {
                    input.content = Content(*token(200, n).as_bytes());
                }
                input
            }
            Step::Amend { ahead, back: distance, is_unknown, amendment } => {
                clock += ahead;
                let Some(before) = back(*distance) else { continue };
                // An unknown target may be the event that comes 20 steps on.
                let target = if *is_unknown { token(100, n + 20) } else { before.event };
                let mut input = Input::new();
                // Every other one comes after a newer one: which of them holds is part of the state.
                input.occurred_at = time(clock - (n % 2) as i64 * HOUR);
                input.event = token(101, n);
                input.content = Content(*token(102, n).as_bytes());
                input.what = What::Amend { target, amendment: *amendment };
                input
            }
            Step::List { ahead, keys, is_addition, lasts } => {
                clock += ahead;
                control(n, list_change(keys, *is_addition, time(clock + lasts)))
            }
        };
        input.received_at = time(clock);
        if input.what == What::Control {
            input.occurred_at = input.received_at;
            inputs.push(input);
            continue;
        }
        input.source = Some(Source { topic: 0, partition: (n % 5) as i32, offset: (n * 3) as i64 });
        inputs.push(input);
    }
    inputs
}

pub(in crate::engine) fn event(
    n: u64,
    at: i64,
    keys: &[u8; EntityKind::COUNT],
    amount: i64,
    shape: u8,
) -> Input {
    let mut input = Input::new();
    input.occurred_at = time(at);
    input.event = token(100, n);
    input.content = Content(*token(99, n).as_bytes());
    input.what = if shape.is_multiple_of(11) { What::Observe } else { What::Decide };
    for (kind, key) in EntityKind::ALL.into_iter().zip(keys) {
        if kind != EntityKind::Device && shape % 7 != kind as u8 {
            // Payees and accounts share their tokens.
            let space = if kind == EntityKind::Payee { EntityKind::Account } else { kind };
            input.tokens.set(kind, token(space as u8, u64::from(*key)));
        }
    }
    let device = u64::from(keys[EntityKind::Device.index()]);
    if !shape.is_multiple_of(5) {
        input.device.set(DeviceIdentifier::AndroidId, device + 1);
        input.device.set(DeviceIdentifier::Mac, device / 2 + 1_000 * u64::from(shape % 3));
    }
    let facts = &mut input.facts;
    let model = format!("M{}", device % 4);
    for fact in [Fact::DeviceModel, Fact::DeviceCpu, Fact::DeviceScreen] {
        facts.set_text(fact, &model);
    }
    facts.set_int(Fact::DeviceMemoryMb, 1_024);
    facts.set_text(Fact::DevicePlatform, "android");
    facts.set_text(Fact::Kind, if shape % 4 == 3 { "transfer" } else { "payment" });
    facts.set_text(Fact::Service, "mobile_payment");
    facts.set_text(Fact::Currency, "CNY");
    facts.set_int(Fact::AmountMinor, amount);
    facts.set_int(Fact::AmountBase, amount);
    facts.set_int(Fact::LatMdeg, 30_000 + i64::from(shape) * 10);
    facts.set_int(Fact::LonMdeg, 120_000);
    facts.set_int(Fact::TerminalAppVersion, i64::from(shape % 9));
    facts.set_float(Fact::TerminalDistanceKm, f64::from(shape % 3));
    input
}

/// Cards that come onto the test bundle's list, or leave it.
fn list_change(keys: &[u8], is_addition: bool, expires_at: EventTime) -> Control {
    let tokens: Vec<Token> =
        keys.iter().map(|key| token(EntityKind::Card as u8, u64::from(*key))).collect();
    let (list, kind, provenance) =
        ("bad_cards".to_owned(), EntityKind::Card, Provenance::default());
    if is_addition {
        let entries = tokens.into_iter().map(|token| ListEntry { token, expires_at }).collect();
        Control::ListAdd(ListAddition { list, kind, entries, provenance })
    } else {
        Control::ListRemove(ListRemoval { list, kind, tokens, provenance })
    }
}

/// A person's change as an input.
pub(in crate::engine) fn control(n: u64, control: Control) -> Input {
    let mut input = Input::new();
    input.event = token(103, n);
    input.content = Content(*token(104, n).as_bytes());
    input.what = What::Control;
    input.control = Some(Box::new(control));
    input
}

pub(in crate::engine) fn time(ms: i64) -> EventTime {
    EventTime::from_ms(ms).unwrap()
}

fn token(space: u8, n: u64) -> Token {
    Token::from_words([n.wrapping_mul(0x9e37_79b9_7f4a_7c15), u64::from(space) << 56 | n])
}
