//! The body and the observed part of a decision, as they are stored.

use crate::domain::{
    Action, Band, Body, DecisionFlags, FollowUps, MissingTables, Observed, Plan, ReasonId, Reasons,
    RiskVerification, Stage,
};
use crate::wire::{MessageReader, MessageWriter, WireError, WireValue, read_varint};

/// Writes a body; what is zero is left out.
pub(super) fn write_body(w: &mut MessageWriter<'_>, body: &Body) {
    w.uint_or_absent(1, body.action as u64);
    w.uint_or_absent(2, u64::from(body.follow_ups.0));
    w.uint_or_absent(3, u64::from(body.score));
    w.uint_or_absent(4, u64::from(body.band.0));
    w.sint_or_absent(5, i64::from(body.points));
    w.packed(6, body.reasons.as_slice().iter().map(|reason| u64::from(reason.0)));
    w.uint_or_absent(7, body.risk_verification as u64);
    w.uint_or_absent(8, u64::from(body.flags.0));
    w.uint_or_absent(9, u64::from(body.missing.0));
    w.uint_or_absent(10, body.plan as u64);
}

/// The bytes that a body has in a record (`tidegate.v1.Body`): what replay compares.
pub fn body_bytes(body: &Body, out: &mut Vec<u8>) {
    out.clear();
    write_body(&mut MessageWriter::new(out), body);
}

/// Reads a body.
pub(super) fn read_body(mut reader: MessageReader<'_>) -> Result<Body, WireError> {
    let mut body = Body::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => body.action = one_of(&Action::ALL, value, "body.action")?,
            2 => body.follow_ups = FollowUps(value.narrow("body.follow_ups")?),
            3 => body.score = value.narrow("body.score")?,
            4 => body.band = Band(value.narrow("body.band")?),
            5 => {
                let out_of_range = |_| WireError::OutOfRange { field: "body.points" };
                body.points = value.sint("body.points")?.try_into().map_err(out_of_range)?;
            }
            6 => body.reasons = read_reasons(value.bytes("body.reasons")?)?,
            7 => {
                let words = [RiskVerification::Complete, RiskVerification::Incomplete];
                body.risk_verification = one_of(&words, value, "body.risk_verification")?;
            }
            8 => body.flags = DecisionFlags(value.narrow("body.flags")?),
            9 => body.missing = MissingTables(value.narrow("body.missing")?),
            10 => body.plan = one_of(&Plan::ALL, value, "body.plan")?,
            _ => {}
        }
    }
    Ok(body)
}

/// The word whose number is its place in `words`.
fn one_of<T: Copy>(words: &[T], value: WireValue<'_>, field: &'static str) -> Result<T, WireError> {
    let number = value.uint(field)?;
    let word = usize::try_from(number).ok().and_then(|index| words.get(index));
    word.copied().ok_or(WireError::UnknownWord { field, number })
}

fn read_reasons(mut rest: &[u8]) -> Result<Reasons, WireError> {
    let mut reasons = Reasons::default();
    while !rest.is_empty() {
        let number = read_varint(&mut rest)?;
        let id = number.try_into().map_err(|_| WireError::OutOfRange { field: "body.reasons" })?;
        reasons.push(ReasonId(id));
    }
    Ok(reasons)
}

/// Writes the observed part.
pub(super) fn write_observed(w: &mut MessageWriter<'_>, observed: &Observed) {
    if observed.stage_ns.iter().any(|ns| *ns != 0) {
        w.packed(1, observed.stage_ns.iter().map(|ns| u64::from(*ns)));
    }
    w.sint_or_absent(2, i64::from(observed.budget_left_us));
}

/// Reads the observed part. Stages that this version does not know are left out.
pub(super) fn read_observed(mut reader: MessageReader<'_>) -> Result<Observed, WireError> {
    const FIELD: &str = "observed";
    let mut observed = Observed::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => {
                let mut rest = value.bytes(FIELD)?;
                for stage in Stage::ALL {
                    if rest.is_empty() {
                        break;
                    }
                    let ns = read_varint(&mut rest)?.try_into();
                    observed.stage_ns[stage as usize] =
                        ns.map_err(|_| WireError::OutOfRange { field: FIELD })?;
                }
            }
            2 => {
                let budget = value.sint(FIELD)?.try_into();
                observed.budget_left_us =
                    budget.map_err(|_| WireError::OutOfRange { field: FIELD })?;
            }
            _ => {}
        }
    }
    Ok(observed)
}
