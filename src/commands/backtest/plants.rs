//! Planted campaigns by typology and intensity: what was flagged, and by whose rule.

use std::collections::BTreeMap;

use super::labels::Campaign;
use super::report::{Band, Plants, Typology};
use super::share::Share;
use super::verdicts::Row;
use crate::bundle::Bundle;
use crate::domain::Kind;

/// Up to a fifth above the threshold a campaign is *at* it: counts of five jump by as much.
const AT_BELOW: f64 = 1.2;

/// What came of one campaign.
#[derive(Clone, Copy, Default)]
struct Fate {
    events: u64,
    flagged: bool,
    stopped: bool,
    own_rule: bool,
}

/// Holds the campaigns of a truth file against the decisions.
pub(super) fn of(
    campaigns: &[Campaign],
    (rows, hits): (&[Row], &[u16]),
    bundle: &Bundle,
) -> Plants {
    let mut fates = vec![Fate::default(); campaigns.len()];
    let (mut clean, mut stopped, mut reviewed) = (0, 0, 0);
    let mut rest = hits;
    for row in rows {
        let (its, others) = rest.split_at(usize::from(row.hits).min(rest.len()));
        rest = others;
        match (fates.get_mut(row.campaign as usize), campaigns.get(row.campaign as usize)) {
            (Some(fate), Some(campaign)) => {
                let own =
                    |rule: &u16| is_own(&bundle.rules.rules()[usize::from(*rule)].id, campaign);
                fate.events += 1;
                fate.flagged |= row.answer.is_flagged();
                fate.stopped |= row.answer.is_stopped();
                fate.own_rule |= its.iter().any(own);
            }
            _ if moves_money(row.kind) => {
                clean += 1;
                stopped += u64::from(row.answer.is_stopped());
                reviewed += u64::from(row.answer.is_flagged() && !row.answer.is_stopped());
            }
            _ => {}
        }
    }
    let typologies = typologies(campaigns, &fates);
    let attacks = || typologies.iter().filter(|one| one.is_attack);
    let sum = |bands: &dyn Fn(&Typology) -> [Band; 2]| {
        let bands: Vec<Band> = attacks().flat_map(bands).collect();
        let planted = bands.iter().map(|band| band.planted).sum();
        Share::of(bands.iter().map(|band| band.flagged).sum(), planted)
    };
    Plants {
        attacks_at_or_above: sum(&|one| [one.at, one.above]),
        attacks_below: sum(&|one| [one.below, Band::default()]),
        clean_stopped: Share::of(stopped, clean),
        clean_reviewed: Share::of(reviewed, clean),
        typologies,
    }
}

fn typologies(campaigns: &[Campaign], fates: &[Fate]) -> Vec<Typology> {
    let mut all: BTreeMap<(&str, u32, &str), Typology> = BTreeMap::new();
    for (campaign, fate) in campaigns.iter().zip(fates).filter(|(_, fate)| fate.events > 0) {
        let Campaign { typology, variant, intensity, at_or_above, fraud } = campaign;
        let one = all.entry(in_order(typology, variant)).or_insert_with(|| Typology {
            typology: typology.clone(),
            variant: variant.clone(),
            is_attack: *fraud,
            ..Typology::default()
        });
        let band = match (at_or_above, *intensity < AT_BELOW) {
            (false, _) => &mut one.below,
            (true, true) => &mut one.at,
            (true, false) => &mut one.above,
        };
        band.planted += 1;
        band.flagged += u64::from(fate.flagged);
        band.stopped += u64::from(fate.stopped);
        band.own_rule += u64::from(fate.own_rule);
    }
    all.into_values().collect()
}

/// K2 before K10.
fn in_order<'a>(typology: &'a str, variant: &'a str) -> (&'a str, u32, &'a str) {
    let letters = typology.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = typology.get(letters.len()..).and_then(|digits| digits.parse().ok());
    (letters, number.unwrap_or(0), variant)
}

/// Rules are named after their typology: `K2.device` is K2's, `K10` is not K1's.
fn is_own(rule: &str, campaign: &Campaign) -> bool {
    let rest = rule.strip_prefix(&*campaign.typology);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

const fn moves_money(kind: Kind) -> bool {
    matches!(kind, Kind::Payment | Kind::Transfer | Kind::Withdrawal)
}
