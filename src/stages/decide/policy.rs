//! What the institution has decided in advance, per service: bands, substitutes, fallbacks, ledger.

use crate::domain::{
    Action, Band, Effect, FieldId, FollowUps, Plan, ReasonId, RiskVerification, Service, Stage,
};

/// The policy of a bundle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// One entry per service, by [`Service::index`].
    pub services: [ServicePolicy; Service::COUNT],
    /// Who may spend how much of the latency budget.
    pub ledger: Ledger,
}

impl Policy {
    /// The policy of one service.
    pub fn of(&self, service: Service) -> &ServicePolicy {
        // `index()` is below `Service::COUNT` by construction of the enum.
        &self.services[service.index()]
    }
}

/// The policy of one service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServicePolicy {
    /// Bands of the score, mildest first; the last one ends at [`ServicePolicy::SCORE_MAX`].
    pub bands: Vec<BandPolicy>,
    /// What a challenge becomes where the service cannot ask the payer anything.
    pub without_challenge: Option<Substitute>,
    /// What a challenge becomes when the event resubmits a challenged one: the payer has just
    /// passed the step-up, so asking again would never end.
    pub after_challenge: Option<Substitute>,
    /// What risk verification wants of an event of this service (R2).
    pub wanted: RiskData,
    /// What is done when some of it did not come.
    pub incomplete: Incomplete,
    /// What is done with an amount in a currency without a rate.
    pub no_rate: NoRate,
    /// The answer when there was no time to weigh.
    pub fallback: Fallback,
}

impl ServicePolicy {
    /// The greatest score.
    pub const SCORE_MAX: u16 = 1_000;
    /// Most bands.
    pub const BANDS_MAX: usize = 16;

    /// Points to score: the sum of the points of every rule that fired, cut to 0 to 1000.
    pub fn score(points: i32) -> u16 {
        // Within 0..=1000 by the clamp.
        points.clamp(0, i32::from(Self::SCORE_MAX)) as u16
    }

    /// The band of a score and its policy; without bands, the mildest band and no policy.
    pub fn band(&self, score: u16) -> (Band, Option<&BandPolicy>) {
        let at = self.bands.iter().position(|band| score <= band.up_to);
        let at = at.unwrap_or(self.bands.len().saturating_sub(1));
        (Band(at as u8), self.bands.get(at))
    }

    /// What a band is called; a band that the policy does not have goes by its number.
    pub fn band_name(&self, band: Band) -> String {
        let known = self.bands.get(usize::from(band.0));
        known.map_or_else(|| band.0.to_string(), |known| known.name.clone())
    }

    /// Whether everything that is wanted came.
    pub const fn verification(&self, came: RiskData) -> RiskVerification {
        if self.wanted.0 & !came.0 == 0 {
            RiskVerification::Complete
        } else {
            RiskVerification::Incomplete
        }
    }
}

/// One band of the score.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BandPolicy {
    /// What people call it: unique among the bands of a service, its number where none was given.
    pub name: String,
    /// The greatest score that belongs to it.
    pub up_to: u16,
    /// What it asks for.
    pub action: Action,
    /// What is done after the answer.
    pub follow_ups: FollowUps,
}

/// An action that stands in for a challenge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Substitute {
    /// The action instead.
    pub action: Action,
    /// What is done after it, in addition.
    pub follow_ups: FollowUps,
}

/// What is done when risk verification is incomplete. Weighed like a rule, so an allow silences it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Incomplete {
    /// Only above this many minor units of the base currency; always when `None`.
    pub above: Option<i64>,
    /// What is asked for; nothing when `None`.
    pub effect: Option<Effect>,
}

/// What is done with an amount in a currency without a rate, of which no rule over the amount in the
/// base currency can speak. Weighed like a rule, so an allow silences it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoRate {
    /// What is asked for.
    pub effect: Effect,
    /// Whole numbers of the row, above any of which it declines: how many such payments the payer
    /// has made, or an amount in minor units of its own currency.
    pub decline_above: Vec<(FieldId, i64)>,
}

impl NoRate {
    /// What is asked of such an event, none for another one.
    pub fn effect(&self, priced: Priced) -> Option<Effect> {
        match priced {
            Priced::Known => None,
            Priced::Unknown => Some(self.effect),
            Priced::UnknownAgain => Some(Effect { action: Some(Action::Decline), ..self.effect }),
        }
    }
}

/// What is known of an amount's worth in the base currency.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Priced {
    /// It is known, or nothing is paid.
    #[default]
    Known,
    /// Its currency has no rate.
    Unknown,
    /// Nor has it, and a limit of [`NoRate::decline_above`] is passed.
    UnknownAgain,
}

/// The answer when there was no time to weigh: approve, with a review above an amount.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fallback {
    /// Minor units of the base currency above which a person looks at it afterwards.
    pub review_above: i64,
    /// The reason given.
    pub reason: ReasonId,
}

impl Fallback {
    /// The answer to an event of this amount; an event without an amount is approved, an amount
    /// whose worth is not known counts as a large one.
    pub fn effect(&self, amount_base: Option<i64>, priced: Priced) -> Effect {
        let is_large = amount_base.is_some_and(|amount| amount > self.review_above);
        let review = is_large || priced != Priced::Known;
        Effect {
            action: Some(Action::Approve),
            follow_ups: if review { FollowUps::REVIEW } else { FollowUps::default() },
            reason: self.reason,
            ..Effect::default()
        }
    }
}

/// Groups of data that risk verification looks at, one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RiskData(pub u8);

impl RiskData {
    /// Anything about the device.
    pub const DEVICE: Self = Self(1);
    /// The address.
    pub const IP: Self = Self(2);
    /// The position.
    pub const LOCATION: Self = Self(4);

    /// Each group with its name in the policy.
    pub const NAMED: [(Self, &'static str); 3] =
        [(Self::DEVICE, "device"), (Self::IP, "ip"), (Self::LOCATION, "location")];

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The latency ledger: every stage owns microseconds, and the sum fits the budget.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    /// From the first byte in to the last byte out.
    pub budget_us: u32,
    /// What each stage owns, by [`Stage`].
    pub stage_us: [u32; Stage::COUNT],
}

impl Ledger {
    /// The sum of the stages, at most the budget in a checked bundle.
    pub fn total_us(&self) -> u64 {
        self.stage_us.iter().map(|us| u64::from(*us)).sum()
    }

    /// What the flow owns from `stage` on.
    pub fn from_us(&self, stage: Stage) -> u64 {
        let owned = self.stage_us.iter().skip(stage as usize);
        owned.map(|us| u64::from(*us)).sum()
    }

    /// The fullest plan that what is left before `stage` pays for. Without models, the next plan
    /// below `full` is `hard_rules`.
    pub fn plan(&self, stage: Stage, left_us: i64) -> Plan {
        let enough = u64::try_from(left_us).is_ok_and(|left| left >= self.from_us(stage));
        if enough { Plan::Full } else { Plan::HardRules }
    }
}
