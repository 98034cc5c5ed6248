//! Who and what exists: people, merchants, terminals, devices, addresses.
//!
//! Nothing of it is stored. Every attribute is a function of the seed and an index, so a world of a
//! million customers starts at once, two runs agree, and the tables that describe it
//! ([`World::terminals_csv`] and its sisters) need no run at all.

pub mod cards;
mod checksums;
pub mod cities;
pub mod datum;
pub mod devices;
pub mod hosts;
pub mod mcc;
pub mod merchants;
pub mod models;
mod names;
pub mod network;
pub mod people;
pub mod place;
pub(super) mod tables;
pub mod terminals;
pub mod whereabouts;

use self::cards::{Cards, Pan};
use self::merchants::Districts;
use super::Settings;
use super::rng::Rng;

/// A world to draw events from. Small and immutable.
#[derive(Debug)]
pub struct World {
    seed: u64,
    start_ms: i64,
    customers: u32,
    terminals: u32,
    /// First of the terminals that only plants use.
    quiet_terminals: u32,
    districts: Districts,
    cards: Cards,
}

impl World {
    /// Fewer merchants or terminals than this cannot fill the cities.
    pub const PLACES_MIN: u32 = 500;
    /// Fewer customers than this have no strangers left to be victims.
    pub const CUSTOMERS_MIN: u32 = 100;

    /// The world of these settings. Sizes below the minima are raised to them.
    pub fn new(settings: &Settings) -> Self {
        let terminals = settings.terminals.max(Self::PLACES_MIN);
        Self {
            seed: settings.seed,
            start_ms: settings.start_ms,
            customers: settings.customers.max(Self::CUSTOMERS_MIN),
            terminals,
            quiet_terminals: terminals - (terminals / 20).max(20),
            districts: Districts::new(settings.merchants.max(Self::PLACES_MIN)),
            cards: Cards::new(settings.seed),
        }
    }

    /// How many ordinary customers there are: people `0..customers`.
    pub fn customers(&self) -> u32 {
        self.customers
    }

    /// How many people there are in all: after the customers come the accounts of criminals, which
    /// only plants use. [`World::secrets`] knows every one of them.
    pub fn people(&self) -> u32 {
        // A million messages with one planted in a hundred take some four thousand of them.
        self.customers.saturating_add((self.customers / 8).max(1_000))
    }

    /// A person's card in one of four slots; the last is a spare that only plants use.
    pub fn card(&self, person: u32, slot: u32) -> Pan {
        self.cards.number(person, slot)
    }

    /// Valid card numbers in a row, of which nobody was issued any but by chance.
    pub fn neighbouring_card(&self, first: u64, nth: u64) -> Pan {
        self.cards.neighbour(first, nth)
    }

    /// A valid card number that nobody was issued.
    pub fn invented_card(&self, rng: &mut Rng) -> Pan {
        self.cards.invented(rng)
    }
}
