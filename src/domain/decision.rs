//! What comes out: the body, which is deterministic, and the observed part, which is not.

/// The number of an input in the one order.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Seq(pub u64);

/// The answer now. The order is the order of severity.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Action {
    /// Let it pass.
    #[default]
    Approve = 0,
    /// Step up, then resubmit with `attempt_of`.
    Challenge = 1,
    /// Refuse it.
    Decline = 2,
}

impl Action {
    /// All actions, mildest first.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Challenge, Self::Decline];

    /// The name in answers and bundles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Challenge => "challenge",
            Self::Decline => "decline",
        }
    }

    /// The action with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What is done after the answer; any action may carry any of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FollowUps(pub u8);

impl FollowUps {
    /// Queue for a person.
    pub const REVIEW: Self = Self(1);
    /// Delay settlement.
    pub const HOLD: Self = Self(2);

    /// Each follow-up with its name.
    pub const NAMED: [(Self, &'static str); 2] = [(Self::REVIEW, "review"), (Self::HOLD, "hold")];

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is among them.
    pub const fn contains(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }
}

/// How much of the work a decision had time for; it only ever steps down.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Plan {
    /// Everything.
    #[default]
    Full = 0,
    /// Without challenger models.
    NoChallengers = 1,
    /// Without models.
    NoModels = 2,
    /// State and hard rules only.
    HardRules = 3,
}

impl Plan {
    /// All plans, from the fullest.
    pub const ALL: [Self; 4] = [Self::Full, Self::NoChallengers, Self::NoModels, Self::HardRules];

    /// The name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoChallengers => "no_challengers",
            Self::NoModels => "no_models",
            Self::HardRules => "hard_rules",
        }
    }
}

/// Whether the data that risk verification wants was there (R2). Absence is never fraud by itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum RiskVerification {
    /// Device, address and place came, as far as the service may collect them.
    #[default]
    Complete = 0,
    /// Something that the service may collect did not come.
    Incomplete = 1,
}

impl RiskVerification {
    /// The name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The band of a score, by the service's table in the policy: its index there, mildest first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Band(pub u8);

/// A reason's number in the engine's table of codes, which only grows: a body stays readable when
/// the bundle that made it is gone.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReasonId(pub u16);

/// The reasons of one decision, the weightiest first, at most [`Reasons::MAX`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reasons {
    ids: [ReasonId; Self::MAX],
    count: u8,
}

impl Reasons {
    /// More than a reader takes in; every hit is in the journal all the same.
    pub const MAX: usize = 8;

    /// Appends a reason unless it is there already or the list is full.
    pub fn push(&mut self, id: ReasonId) {
        let count = usize::from(self.count);
        if count < Self::MAX && !self.as_slice().contains(&id) {
            self.ids[count] = id;
            self.count += 1;
        }
    }

    /// The reasons in order.
    pub fn as_slice(&self) -> &[ReasonId] {
        // `count <= MAX` by `push`, the only writer.
        &self.ids[..usize::from(self.count)]
    }
}

/// Marks of a decision that was made on less than everything.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DecisionFlags(pub u8);

impl DecisionFlags {
    /// A rule that fired looked at a window younger than its width.
    pub const WARMING: Self = Self(1);
    /// A rule that fired looked at a value taken from panes.
    pub const APPROXIMATE: Self = Self(2);
    /// A table was missing.
    pub const MISSING_TABLES: Self = Self(4);
    /// An amount had no rate into the base currency: the event's own, or one that a window's sum
    /// would hold.
    pub const INCOMPLETE: Self = Self(32);
    /// A field could not be read and was dropped.
    pub const MALFORMED: Self = Self(8);
    /// It arrived later after it occurred than the bundle's `late_after`.
    pub const LATE: Self = Self(16);

    /// Each flag with its name.
    pub const NAMED: [(Self, &'static str); 6] = [
        (Self::WARMING, "warming"),
        (Self::APPROXIMATE, "approximate"),
        (Self::MISSING_TABLES, "missing_tables"),
        (Self::INCOMPLETE, "incomplete"),
        (Self::MALFORMED, "malformed"),
        (Self::LATE, "late"),
    ];

    /// Adds a mark.
    pub const fn add(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    /// Whether the mark is set.
    pub const fn contains(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }
}

/// The deterministic part of a decision: compared in replay, returned again on a retry.
///
/// A small fixed value, so that the answers of the recent past fit in memory.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Body {
    /// The answer.
    pub action: Action,
    /// What is done after it.
    pub follow_ups: FollowUps,
    /// 0 (harmless) to 1000.
    pub score: u16,
    /// The score's band in the policy.
    pub band: Band,
    /// The sum of the points of the rules that fired.
    pub points: i32,
    /// Why, weightiest first.
    pub reasons: Reasons,
    /// Whether the wanted data was there.
    pub risk_verification: RiskVerification,
    /// Marks of inexactness.
    pub flags: DecisionFlags,
    /// Which tables were missing.
    pub missing: super::MissingTables,
    /// How much of the work there was time for.
    pub plan: Plan,
}

/// A stage that owns a share of the latency budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Stage {
    /// Bytes to event.
    Decode = 0,
    /// Event to input.
    Enrich = 1,
    /// Windows, device, travel; correcting what was counted.
    Features = 2,
    /// Rules.
    Rules = 3,
    /// Decision, and remembering it.
    Decide = 4,
    /// Encode, seal and append.
    Journal = 5,
    /// Mask and render.
    Mask = 6,
}

impl Stage {
    /// How many stages there are.
    pub const COUNT: usize = 7;

    /// All stages in the order of the flow.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Decode,
        Self::Enrich,
        Self::Features,
        Self::Rules,
        Self::Decide,
        Self::Journal,
        Self::Mask,
    ];

    /// The name in metrics and ledgers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Enrich => "enrich",
            Self::Features => "features",
            Self::Rules => "rules",
            Self::Decide => "decide",
            Self::Journal => "journal",
            Self::Mask => "mask",
        }
    }
}

/// The part of a decision that depends on the machine: journaled, returned once, never compared.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Observed {
    /// Nanoseconds spent up to the end of the engine's work, per stage; zero when not measured.
    pub stage_ns: [u32; Stage::COUNT],
    /// Budget left when the decision was made, in microseconds.
    pub budget_left_us: i32,
}

/// What the engine did with an input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Applied {
    /// Counted and decided, under this number.
    Decided {
        /// Its number.
        seq: Seq,
        /// The answer.
        body: Body,
    },
    /// The same event with the same content was decided before: the same answer, the same number.
    Repeated {
        /// The first one's number.
        seq: Seq,
        /// The answer then.
        body: Body,
    },
    /// The same event id with other content: reported, never scored.
    Conflict {
        /// The first one's number.
        seq: Seq,
    },
    /// Counted without a decision (history).
    Observed {
        /// Its number.
        seq: Seq,
    },
    /// An earlier event was amended.
    Amended {
        /// The amendment's number.
        seq: Seq,
        /// The amended event's number.
        target: Seq,
    },
    /// The same amendment, or the same event of history, was counted before: nothing changes.
    AlreadyCounted {
        /// The first one's number.
        seq: Seq,
    },
    /// The amended event is not known yet: kept until it is.
    Parked {
        /// The amendment's number.
        seq: Seq,
    },
    /// What decides was changed, from the next input on.
    Controlled {
        /// The change's number.
        seq: Seq,
    },
}

impl Applied {
    /// The number of the input, or of the one that it repeats.
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Decided { seq, .. }
            | Self::Repeated { seq, .. }
            | Self::Conflict { seq }
            | Self::Observed { seq }
            | Self::Amended { seq, .. }
            | Self::AlreadyCounted { seq }
            | Self::Parked { seq }
            | Self::Controlled { seq } => *seq,
        }
    }
}
