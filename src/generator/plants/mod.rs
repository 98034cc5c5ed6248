//! What is planted: the typologies of DOMAIN section 4, each a small script in a table.
//!
//! A campaign plays one script once. Its intensity is drawn on one side of the rule's threshold,
//! and the sides take turns, so that a rule is tried with what it must catch and with what it must
//! let pass.

mod scene;
mod card;
mod spending;
mod merchant;
mod terminal;
mod laundering;
mod account;
mod geo;
mod limits;
#[cfg(test)]
mod tests;

use self::scene::{Cast, Scene, Side};
use super::draft::Draft;
use super::rng::Rng;
use super::settings::Settings;
use super::world::World;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// One row of the table: a typology, or one of its forms.
#[derive(Clone, Copy, Debug)]
struct Typology {
    /// DOMAIN section 4.
    id: &'static str,
    /// The form, where there are several.
    variant: &'static str,
    /// Whose doing it is.
    nature: Nature,
    /// The longest a campaign takes, from its first event to its last.
    span_ms: i64,
    /// Plays one campaign.
    script: fn(&mut Scene<'_>),
}

/// Whether somebody is being robbed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Nature {
    /// A crime.
    Fraud,
    /// A fault of equipment, or a mere circumstance.
    Circumstance,
}

const fn fraud(
    id: &'static str,
    variant: &'static str,
    span_ms: i64,
    script: fn(&mut Scene<'_>),
) -> Typology {
    Typology { id, variant, nature: Nature::Fraud, span_ms, script }
}

const fn circumstance(
    id: &'static str,
    variant: &'static str,
    span_ms: i64,
    script: fn(&mut Scene<'_>),
) -> Typology {
    Typology { id, variant, nature: Nature::Circumstance, span_ms, script }
}

/// All typologies, by group.
const TABLES: [&[Typology]; 8] = [
    card::TABLE,
    spending::TABLE,
    merchant::TABLE,
    terminal::TABLE,
    laundering::TABLE,
    account::TABLE,
    geo::TABLE,
    limits::TABLE,
];

/// How many rows the tables have.
#[cfg(test)]
pub(super) fn rows() -> usize {
    TABLES.iter().map(|table| table.len()).sum()
}

/// Purpose of the planter's random numbers.
const SALT: u64 = 0x706C_616E;

/// Decides when a campaign begins, and which.
#[derive(Debug)]
pub(super) struct Planter {
    rng: Rng,
    share: f64,
    end_ms: i64,
    /// The typologies still to be played in this round, in reverse order.
    deck: Vec<(Typology, Side)>,
    round: u32,
    campaigns: u32,
    ordinary: u64,
    planted: u64,
    cast: Cast,
}

impl Planter {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            rng: Rng::of(settings.seed, SALT, 0),
            share: settings.fraud_share,
            end_ms: settings.end_ms(),
            deck: Vec::new(),
            round: 0,
            campaigns: 0,
            ordinary: 0,
            planted: 0,
            cast: Cast::default(),
        }
    }

    /// Called after each ordinary event: the events of a new campaign when one is due, none else.
    pub(super) fn after_ordinary(
        &mut self,
        world: &World,
        now_ms: i64,
        number: &mut u64,
    ) -> Vec<Draft> {
        self.ordinary += 1;
        let total = (self.ordinary + self.planted) as f64;
        if self.share <= 0.0 || self.planted as f64 >= total * self.share {
            return Vec::new();
        }
        let Some((typology, side)) = self.deal(now_ms) else { return Vec::new() };
        self.campaigns += 1;
        let start_ms = now_ms + self.rng.between(0, 20 * SECOND);
        let mut scene = Scene::new(world, &mut self.rng, &mut self.cast, (&typology, side));
        scene.begin(self.campaigns, start_ms);
        (typology.script)(&mut scene);
        let mut drafts = scene.finish();
        for draft in &mut drafts {
            // Scripts number their events from zero; the stream's numbers begin where it stands.
            draft.number += *number;
            draft.original = draft.original.map(|original| original + *number);
            self.planted += u64::from(draft.plant.is_some());
        }
        *number += drafts.len() as u64;
        drafts
    }

    /// The next typology that still fits before the end: every one in turn, shuffled each round,
    /// its sides alternating from round to round.
    fn deal(&mut self, now_ms: i64) -> Option<(Typology, Side)> {
        if self.deck.is_empty() {
            let round = self.round;
            self.round += 1;
            let fits = |typology: &&Typology| now_ms + typology.span_ms + MINUTE < self.end_ms;
            let all = TABLES.iter().flat_map(|table| table.iter()).filter(fits).enumerate();
            self.deck = all
                .map(|(place, typology)| {
                    let even = (place as u32 + round).is_multiple_of(2);
                    (*typology, if even { Side::AtOrAbove } else { Side::Below })
                })
                .collect();
            for last in (1..self.deck.len()).rev() {
                self.deck.swap(last, self.rng.below(last as u64 + 1) as usize);
            }
        }
        // A card dealt from an older round may no longer fit: it is passed over.
        while let Some((typology, side)) = self.deck.pop() {
            if now_ms + typology.span_ms + MINUTE < self.end_ms {
                return Some((typology, side));
            }
        }
        None
    }
}
