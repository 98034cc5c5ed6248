//! Labels as JSON lines: plain ones, and those of the generator's truth file.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};

use serde::Deserialize;

use super::fault::Faults;
use super::{Campaign, Known, LABEL_RULE, Labels, truth};
use crate::commands::report::Fault;
use crate::domain::Truth;
use crate::wire::json_depth;

/// Longer lines are no labels.
const LINE_MAX_BYTES: u64 = 64 << 10;
/// Deeper ones neither: a parser that recurses must not be led down.
const DEPTH_MAX: usize = 8;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    label: Option<Cow<'a, str>>,
    /// Every line of a truth file says what message it is.
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    plant: Option<Plant<'a>>,
}

#[derive(Deserialize)]
struct Plant<'a> {
    #[serde(borrow)]
    typology: Cow<'a, str>,
    #[serde(borrow)]
    variant: Cow<'a, str>,
    campaign: u64,
    intensity: f64,
    at_or_above: bool,
    fraud: bool,
}

/// Reads the lines; faults go to `faults`, and only a disk's fault ends it.
pub(super) fn read(
    mut source: impl BufRead,
    labels: &mut Labels,
    faults: &mut Faults<'_>,
) -> Result<(), Fault> {
    let (mut bytes, mut line) = (Vec::new(), 0);
    loop {
        bytes.clear();
        let mut limited = source.by_ref().take(LINE_MAX_BYTES);
        let read = limited.read_until(b'\n', &mut bytes).map_err(Fault::file("the labels"))?;
        if read == 0 {
            return Ok(());
        }
        line += 1;
        if read as u64 == LINE_MAX_BYTES && bytes.last() != Some(&b'\n') {
            faults.note(line, "is longer than 64 KiB; this is no file of labels");
            // What follows would be taken for lines of its own.
            return Ok(());
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if let Err(what) = take(text, line, labels, faults) {
            faults.note(line, what);
        }
    }
}

fn take(
    text: &[u8],
    line: u64,
    labels: &mut Labels,
    faults: &mut Faults<'_>,
) -> Result<(), &'static str> {
    if json_depth(text) > DEPTH_MAX {
        return Err("is nested too deeply");
    }
    // The parser's own words quote the line.
    let parsed: Line<'_> = sonic_rs::from_slice(text).map_err(
        |_| "is not a label: an object with `event_id` and `label`, or a line of a truth file",
    )?;
    let id = parsed.event_id.ok_or("has no `event_id`")?;
    let known = match (parsed.label, parsed.message, parsed.plant) {
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => {
            return Err("has a `label` and is a line of a truth file: one of them");
        }
        (Some(label), None, None) => {
            Known { truth: truth(&label).ok_or(LABEL_RULE)?, campaign: None }
        }
        (None, _, Some(plant)) => {
            labels.is_complete = true;
            let truth = if plant.fraud { Truth::Fraud } else { Truth::Legitimate };
            let number = plant.campaign;
            let campaign = labels.campaign(number, checked(plant)?)?;
            Known { truth, campaign: Some(campaign) }
        }
        // Something was done to the line on its way, and nothing was planted.
        (None, Some(_), None) => {
            labels.is_complete = true;
            return Ok(());
        }
        (None, None, None) => return Err("has no `label`"),
    };
    labels.note(&id, known, line, faults);
    Ok(())
}

fn checked(plant: Plant<'_>) -> Result<Campaign, &'static str> {
    let fine = |text: &str, least: usize| {
        (least..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !fine(&plant.typology, 1) || !fine(&plant.variant, 0) {
        return Err("`typology` and `variant` must be at most 32 of A-Z, a-z, 0-9 and `_`");
    }
    if !(0.0..=1e6).contains(&plant.intensity) {
        return Err("`intensity` must be a number from 0 to 1,000,000");
    }
    Ok(Campaign {
        typology: plant.typology.into_owned(),
        variant: plant.variant.into_owned(),
        intensity: plant.intensity,
        at_or_above: plant.at_or_above,
        fraud: plant.fraud,
    })
}
