//! An engine that forgets at once, over a journal, against one that remembers everything.

use proptest::prelude::*;

use super::*;
use crate::domain::FieldId;

/// Sums that a reversal gives back, and conditions over outcome, label and amount at once: for a
/// device and a card, each in panes as soon as 64 events meet.
const FEATURES: &str = r#"
- {name: device_good, aggregate: sum(amount_base), by: device, over: 7d, where: '!outcome.reversed'}
- {name: device_done, aggregate: count, by: device, over: 7d, where: 'outcome.approved'}
- {name: device_large, aggregate: sum(amount_base), by: device, over: 7d, where: 'amount_base > money("300.00 CNY") && !label.fraud'}
- {name: device_frauds, aggregate: rate(label.fraud), by: device, over: 30d}
- {name: device_hour, aggregate: count, by: device, over: 1h, where: 'outcome.refused || label.fraud'}
- {name: card_frauds, aggregate: sum(amount_base), by: card, over: 7d, where: 'outcome.approved && label.fraud'}
- {name: card_known, aggregate: mean(amount_base), by: card, over: 7d, where: 'outcome.known'}
"#;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pay { ahead: u32, card: u8, device: u8, minor: u16, shape: u8 },
    Reverse { back: usize },
    Refuse { back: usize },
    Approve { back: usize },
    Label { back: usize, is_fraud: bool },
}

/// Twenty events are remembered: half of what is amended is forgotten, and half of that long ago.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ahead = prop_oneof![6 => 0..600_u32, 2 => 600..7_200_u32];
    let back = || prop_oneof![0..16_usize, 16..40_usize, 40..300_usize];
    // Most events meet at one device and one card, so that these overflow into panes.
    let few = || prop_oneof![3 => Just(0_u8), 1 => 0..3_u8];
    let pay = (ahead, few(), few(), any::<u16>(), any::<u8>()).prop_map(
        |(ahead, card, device, minor, shape)| Step::Pay { ahead, card, device, minor, shape },
    );
    let step = prop_oneof![
        10 => pay,
        1 => back().prop_map(|back| Step::Reverse { back }),
        1 => back().prop_map(|back| Step::Refuse { back }),
        2 => back().prop_map(|back| Step::Approve { back }),
        2 => (back(), any::<bool>()).prop_map(|(back, is_fraud)| Step::Label { back, is_fraud }),
    ];
    proptest::collection::vec(step, 150..320)
}

/// So many seconds after the first of a month.
fn time(seconds: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("2026-11-{:02}T{hour:02}:{minute:02}:{second:02}Z", 1 + days)
}

/// The messages of a course of steps.
fn messages(steps: &[Step]) -> Vec<String> {
    let (mut clock, mut paid) = (0, Vec::new());
    let mut messages = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let of = |back: usize| paid.len().checked_sub(1 + back).map(|at: usize| paid[at]);
        if let Step::Pay { ahead, .. } = step {
            clock += ahead;
        }
        let at = time(clock);
        // What is said of an event may arrive after what was learned later.
        let said_at = time(clock.saturating_sub([0, 300, 7_200][number % 3]));
        let common = |kind: &str| {
            format!(
                "\"event_id\":\"e{number}\",\"kind\":\"{kind}\",\"service\":\"mobile_payment\",\
                 \"occurred_at\":\"{at}\",\"amount\":{{\"minor\":700,\"currency\":\"CNY\"}}"
            )
        };
        let outcome = |of: usize, result: &str| {
            format!(
                "\"kind\":\"outcome\",\"of\":\"e{of}\",\"result\":\"{result}\",\"occurred_at\":\"{said_at}\""
            )
        };
        let message = match *step {
            Step::Pay { card, device, minor, shape, .. } => {
                paid.push(number);
                let device = match shape % 5 {
                    0 => String::new(),
                    _ => format!(
                        ",\"device\":{{\"platform\":\"android\",\"android_id\":\"a-{device}\",\
                         \"gsf_id\":\"g-{device}\"}}"
                    ),
                };
                let base = common("payment").replace("700", &minor.to_string());
                format!(
                    "{base},\"payer\":{{\"card\":{{\"number\":\"{}\"}}}}{device}",
                    6_225_881_234_500_000_u64 + u64::from(card),
                )
            }
            Step::Reverse { back } => {
                let Some(of) = of(back) else { continue };
                let card = "\"payer\":{\"card\":{\"number\":\"6225881234500009\"}}";
                format!("{},\"original_event_id\":\"e{of}\",{card}", common("reversal"))
            }
            Step::Refuse { back } => {
                let Some(of) = of(back) else { continue };
                outcome(of, "refused")
            }
            Step::Approve { back } => {
                let Some(of) = of(back) else { continue };
                outcome(of, "approved")
            }
            Step::Label { back, is_fraud } => {
                let Some(of) = of(back) else { continue };
                let truth = if is_fraud { "fraud" } else { "legitimate" };
                format!(
                    "\"kind\":\"label\",\"of\":\"e{of}\",\"truth\":\"{truth}\",\
                     \"source\":\"chargeback\",\"occurred_at\":\"{said_at}\""
                )
            }
        };
        messages.push(format!("{{{message}}}"));
    }
    messages
}

/// What the rules saw, down to the bits.
fn row(pipeline: &Pipeline<Machine>) -> Vec<(usize, u64, bool)> {
    let engine = pipeline.engine();
    let row = engine.row();
    let declared = engine.bundle().schema.columns() - 7..engine.bundle().schema.columns();
    let columns = declared.map(|column| FieldId(column as u16)).filter(|field| row.has(*field));
    columns.map(|field| (field.index(), row.bits(field), row.is_approximate(field))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What left the ring of recent events is amended as if it were still there: every window of every
    /// entity, its device's too, exact or in panes, whatever outcome and label it had before, and
    /// wherever its record stands by then.
    #[test]
    fn a_forgotten_event_is_amended_as_a_remembered_one(steps in steps(), restart in 0..400_usize) {
        let (mut bench, mut whole) = (Bench::with(FEATURES, 1), Bench::with(FEATURES, 10_000));
        let (mut forgets, mut remembers) = (bench.open(""), whole.open(""));
        for (at, message) in messages(&steps).iter().enumerate() {
            if at == restart {
                forgets.close().unwrap();
                forgets = bench.open("");
            }
            let (found, _) = bench.give(&mut forgets, message);
            let (expected, _) = whole.give(&mut remembers, message);
            prop_assert_eq!(found, expected, "message {}: {}", at, message);
            if matches!(found, Applied::Decided { .. }) {
                prop_assert_eq!(row(&forgets), row(&remembers), "message {}: {}", at, message);
            }
        }
        forgets.close().unwrap();
        remembers.close().unwrap();
        check_replay(&bench, bench.dir.path());
    }
}
