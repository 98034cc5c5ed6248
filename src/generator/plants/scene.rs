//! The stage on which a script plays: its actors, its clock, and how strong it is.

use super::{HOUR, MINUTE, Nature, SECOND, Typology};
use crate::generator::compose;
use crate::generator::draft::{Draft, Entry, Kind, Money, Party, Service, Shows};
use crate::generator::rhythm::{DAY_MS, local_day, next_hour};
use crate::generator::rng::Rng;
use crate::generator::truth::Plant;
use crate::generator::world::World;
use crate::generator::world::cards::Pan;
use crate::generator::world::cities::MAINLAND;
use crate::generator::world::devices::{DeviceClass, DeviceUse};
use crate::generator::world::merchants::Merchant;
use crate::generator::world::people::Person;
use crate::generator::world::terminals::Terminal;

/// On which side of the threshold a campaign stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// A rule should stay silent.
    Below,
    /// A rule should speak.
    AtOrAbove,
}

/// Who has been used up: campaigns must not meet by accident.
#[derive(Debug, Default)]
pub(super) struct Cast {
    crooks: u64,
    burners: u64,
    shops: u64,
    terminals: u64,
    stolen: u64,
}

/// Identities of devices that belong to no person begin here.
const BURNERS: u64 = 1 << 40;

/// One campaign being written.
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    pub(super) rng: &'a mut Rng,
    cast: &'a mut Cast,
    side: Side,
    start_ms: i64,
    plant: Plant,
    drafts: Vec<Draft>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        world: &'a World,
        rng: &'a mut Rng,
        cast: &'a mut Cast,
        (typology, side): (&Typology, Side),
    ) -> Self {
        let plant = Plant {
            typology: typology.id,
            variant: typology.variant,
            campaign: 0,
            intensity: 0.0,
            at_or_above: side == Side::AtOrAbove,
            decisive: false,
            fraud: typology.nature == Nature::Fraud,
        };
        Self { world, rng, cast, side, start_ms: 0, plant, drafts: Vec::new() }
    }

    /// Sets the campaign's number and first moment.
    pub(super) fn begin(&mut self, campaign: u32, start_ms: i64) {
        (self.plant.campaign, self.start_ms) = (campaign, start_ms);
    }

    /// The events written, numbered from zero.
    pub(super) fn finish(self) -> Vec<Draft> {
        self.drafts
    }

    // --- how strong

    /// A multiple of the threshold, 0.4 to 2.5, on this campaign's side; it is the intensity.
    pub(super) fn ratio(&mut self) -> f64 {
        self.ratio_within(0.4, 2.5)
    }

    /// The same within other bounds, which must lie on both sides of 1.
    pub(super) fn ratio_within(&mut self, low: f64, high: f64) -> f64 {
        self.plant.intensity = match self.side {
            Side::Below => self.rng.log_uniform(low, 0.985),
            Side::AtOrAbove => self.rng.log_uniform(1.0, high),
        };
        self.plant.intensity
    }

    /// A number of things, where the rule speaks from `threshold` on.
    pub(super) fn count(&mut self, threshold: u32) -> u32 {
        self.count_up_to(threshold, threshold * 5 / 2)
    }

    /// The same, but no more than `most`.
    pub(super) fn count_up_to(&mut self, threshold: u32, most: u32) -> u32 {
        let drawn = (self.ratio() * f64::from(threshold) + 0.5) as u32;
        let count = match self.side {
            Side::Below => drawn.clamp(1, threshold - 1),
            Side::AtOrAbove => drawn.clamp(threshold, most),
        };
        self.plant.intensity = f64::from(count) / f64::from(threshold);
        count
    }

    /// A sum, where the rule speaks from `threshold` on.
    pub(super) fn sum(&mut self, threshold: Money) -> Money {
        let ratio = self.ratio();
        let drawn = (ratio * threshold.minor as f64) as u64;
        let minor = match self.side {
            Side::Below => drawn.min(threshold.minor - 1),
            // One more than the threshold, so that "above" and "from" agree.
            Side::AtOrAbove => drawn.max(threshold.minor + 1),
        };
        Money { minor, ..threshold }
    }

    /// For what is or is not: whether this campaign does it, or only nearly.
    pub(super) fn does_it(&mut self) -> bool {
        let does = self.side == Side::AtOrAbove;
        self.plant.intensity = if does { 1.0 } else { 0.5 };
        does
    }

    /// Whether this campaign is to be caught.
    pub(super) fn is_above(&self) -> bool {
        self.side == Side::AtOrAbove
    }

    // --- when

    /// So many milliseconds after the campaign's first moment.
    pub(super) fn at(&self, after_ms: i64) -> i64 {
        self.start_ms + after_ms
    }

    /// The `nth` of `count` moments spread over `within_ms`, with a little disorder.
    pub(super) fn spread(&mut self, nth: u32, count: u32, within_ms: i64) -> i64 {
        let step = within_ms / i64::from(count.max(1));
        self.start_ms + step * i64::from(nth) + self.rng.between(0, step / 2)
    }

    /// Puts the campaign off until it fits into one calendar day: to nine in the morning.
    pub(super) fn fit_into_day(&mut self, span_ms: i64) {
        if local_day(self.start_ms) != local_day(self.start_ms + span_ms) {
            self.start_ms = next_hour(self.start_ms, 9);
        }
    }

    /// Puts the campaign off until this hour of the wall clock.
    pub(super) fn wait_until(&mut self, hour: i64) {
        self.start_ms = next_hour(self.start_ms, hour);
    }

    // --- who and where

    /// An ordinary customer, as a victim or a bystander.
    pub(super) fn stranger(&mut self) -> Person {
        self.world.person(self.rng.below(u64::from(self.world.customers())) as u32)
    }

    /// Somebody under eighteen: one person in twenty-five.
    pub(super) fn minor(&mut self) -> Person {
        let people = u64::from(self.world.people());
        let first = self.rng.below(people);
        // Below the number of people, which is a `u32`.
        let mut all = (0..people).map(|step| ((first + step) % people) as u32);
        let young = all.find(|person| self.world.is_minor(*person));
        self.world.person(young.unwrap_or(first as u32))
    }

    /// An account that only plants use, not used before until all have been.
    pub(super) fn crook(&mut self) -> Person {
        let (first, count) =
            (self.world.customers(), u64::from(self.world.people() - self.world.customers()));
        self.cast.crooks += 1;
        self.world.person(first + (self.cast.crooks % count) as u32)
    }

    /// A stranger's card that the ordinary stream does not use, and a number for it.
    pub(super) fn stolen_card(&mut self) -> (u32, Pan) {
        self.cast.stolen += 1;
        // A stride prime to nearly every number of customers: no card twice until all are used.
        let victim = self.cast.stolen * 2_147_483_647 % u64::from(self.world.customers());
        (victim as u32, self.world.card(victim as u32, 3))
    }

    /// A phone that nobody has seen before.
    pub(super) fn burner(&mut self) -> DeviceUse {
        self.cast.burners += 1;
        DeviceUse::plain(DeviceClass::Phone, BURNERS + self.cast.burners)
    }

    /// Such a phone that is still known after a reset.
    pub(super) fn lasting_burner(&mut self) -> DeviceUse {
        let mut phone = self.burner();
        // Half of all phones are; the search is bounded all the same.
        for _ in 0..64 {
            if self.world.is_known_after_reset(&phone) {
                break;
            }
            phone = self.burner();
        }
        phone
    }

    /// A browser that nobody has seen before.
    pub(super) fn fresh_browser(&mut self) -> DeviceUse {
        self.cast.burners += 1;
        DeviceUse::plain(DeviceClass::Browser, BURNERS + self.cast.burners)
    }

    /// A merchant like any other, chosen by popularity: for campaigns to which it does not matter.
    pub(super) fn any_shop(&mut self) -> Merchant {
        let habits = self.rng.word();
        self.world.online_merchant(habits, self.rng)
    }

    /// A merchant without ordinary customers, for campaigns that look at its share of something.
    pub(super) fn quiet_shop(&mut self) -> Merchant {
        self.cast.shops += 1;
        self.world.quiet_merchant(self.cast.shops)
    }

    /// A terminal without ordinary payments.
    pub(super) fn quiet_terminal(&mut self) -> Terminal {
        self.cast.terminals += 1;
        self.world.quiet_terminal(self.cast.terminals)
    }

    /// A city of the mainland.
    pub(super) fn any_city(&mut self) -> u16 {
        self.rng.below(MAINLAND as u64) as u16
    }

    // --- what

    /// A card typed into a web page by nobody in particular: fresh browser, some residential line.
    pub(super) fn guest_payment(
        &mut self,
        (person, card): (u32, Pan),
        merchant: &Merchant,
        (amount, at_ms): (Money, i64),
    ) -> Draft {
        let mut draft = Draft::new(Kind::Payment, Service::Internet, at_ms);
        let (city, line) = (self.any_city(), self.rng.word());
        draft.amount = Some(amount);
        draft.entry = Some(Entry::Online);
        draft.payer = Some(Party { person, card: Some(card), shows: Shows::CARD_ONLY });
        draft.merchant = Some(merchant.index);
        draft.device = Some(self.fresh_browser());
        let ip = self.world.residential_ip(city, 1 << 42 | line >> 24);
        draft.network = Some(compose::wired(ip, self.rng));
        draft
    }

    /// A payment in an app to a merchant on the network, from this person's own phone.
    pub(super) fn app_payment(
        &mut self,
        person: &Person,
        merchant: &Merchant,
        (amount, at_ms): (Money, i64),
    ) -> Draft {
        let kind = (Kind::Payment, at_ms);
        let mut draft = compose::from_phone(self.world, person, kind, self.rng);
        draft.amount = Some(amount);
        draft.entry = Some(Entry::Online);
        draft.merchant = Some(merchant.index);
        draft
    }

    /// An amount between two sums of yuan, to the fen.
    pub(super) fn yuan(&mut self, low: i64, high: i64) -> Money {
        Money::fen(self.rng.between(low * 100, high * 100) as u64)
    }

    // --- writing it down

    /// An event of the campaign that is not yet the one.
    pub(super) fn play(&mut self, draft: Draft) -> u64 {
        self.push(draft, Some(self.plant))
    }

    /// The event at which the rule should speak, when the campaign is strong enough.
    pub(super) fn strike(&mut self, draft: Draft) -> u64 {
        let decisive = self.plant.at_or_above;
        self.push(draft, Some(Plant { decisive, ..self.plant }))
    }

    /// The `nth` event (from 1) of a count whose rule speaks from `threshold` on.
    pub(super) fn play_nth(&mut self, nth: u32, threshold: u32, draft: Draft) -> u64 {
        if nth >= threshold { self.strike(draft) } else { self.play(draft) }
    }

    /// An honest event that the campaign needs before it: history, with nothing planted.
    pub(super) fn prepare(&mut self, draft: Draft) -> u64 {
        self.push(draft, None)
    }

    fn push(&mut self, mut draft: Draft, plant: Option<Plant>) -> u64 {
        let number = self.drafts.len() as u64;
        draft.number = number;
        draft.plant = plant;
        self.drafts.push(draft);
        number
    }
}

// A day's campaign put off by `fit_into_day` or `wait_until` still fits spans that add one day.
const _: () = assert!(DAY_MS == 24 * HOUR && HOUR == 60 * MINUTE && MINUTE == 60 * SECOND);
