//! A body as four words, so that the answers of millions of recent events fit in memory.

use crate::domain::{
    Action, Band, Body, DecisionFlags, FollowUps, MissingTables, Plan, ReasonId, Reasons,
    RiskVerification,
};

/// Words of a packed body.
pub(super) const BODY_WORDS: usize = 4;

/// The reasons fill two words and their number a byte.
const _: () = assert!(Reasons::MAX == 8);

/// Packs a body.
pub(super) fn pack(body: &Body) -> [u64; BODY_WORDS] {
    let reasons = body.reasons.as_slice();
    let quad = |from: usize| {
        let ids = reasons.iter().skip(from).take(4).enumerate();
        ids.fold(0, |word, (at, id)| word | u64::from(id.0) << (16 * at))
    };
    [
        u64::from(body.score)
            | u64::from(body.action as u8) << 16
            | u64::from(body.follow_ups.0) << 24
            | u64::from(body.band.0) << 32
            | u64::from(body.risk_verification as u8) << 40
            | u64::from(body.flags.0) << 48
            | u64::from(body.plan as u8) << 56,
        u64::from(body.points.cast_unsigned())
            | u64::from(body.missing.0) << 32
            | (reasons.len() as u64) << 48,
        quad(0),
        quad(4),
    ]
}

/// Whether these words can be unpacked: whether [`pack`] can have made them.
pub(super) fn is_packed(words: &[u64]) -> bool {
    let byte = |word: u64, shift: u32| usize::from((word >> shift) as u8);
    byte(words[0], 16) < Action::ALL.len()
        && byte(words[0], 56) < Plan::ALL.len()
        && byte(words[1], 48) <= Reasons::MAX
}

/// Unpacks what [`pack`] made.
pub(super) fn unpack(words: &[u64]) -> Body {
    let byte = |word: u64, shift: u32| (word >> shift) as u8;
    let mut reasons = Reasons::default();
    for at in 0..usize::from(byte(words[1], 48)) {
        reasons.push(ReasonId((words[2 + at / 4] >> (16 * (at % 4))) as u16));
    }
    Body {
        score: words[0] as u16,
        action: Action::ALL[usize::from(byte(words[0], 16))],
        follow_ups: FollowUps(byte(words[0], 24)),
        band: Band(byte(words[0], 32)),
        risk_verification: match byte(words[0], 40) {
            0 => RiskVerification::Complete,
            _ => RiskVerification::Incomplete,
        },
        flags: DecisionFlags(byte(words[0], 48)),
        plan: Plan::ALL[usize::from(byte(words[0], 56))],
        points: (words[1] as u32).cast_signed(),
        missing: MissingTables((words[1] >> 32) as u16),
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A retry must be answered with the very same body: every field, at its extremes.
    #[test]
    fn a_body_comes_back_whole() {
        let mut reasons = Reasons::default();
        for reasons_len in 0..=Reasons::MAX {
            for action in Action::ALL {
                for plan in Plan::ALL {
                    let body = Body {
                        action,
                        follow_ups: FollowUps(3),
                        score: 1_000,
                        band: Band(255),
                        points: i32::MIN + reasons_len as i32,
                        reasons,
                        risk_verification: RiskVerification::Incomplete,
                        flags: DecisionFlags(15),
                        missing: MissingTables(u16::MAX),
                        plan,
                    };
                    assert!(is_packed(&pack(&body)));
                    assert_eq!(unpack(&pack(&body)), body);
                }
            }
            reasons.push(ReasonId(u16::MAX - reasons_len as u16));
        }
        assert_eq!(unpack(&pack(&Body::default())), Body::default());
        assert!(!is_packed(&[3 << 16, 0, 0, 0]) && !is_packed(&[0, 9 << 48, 0, 0]));
    }
}
