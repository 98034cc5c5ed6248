//! What was decided, one small row an event: a label may come long after, so that nothing can be
//! counted before the end.

use super::history::{Onlooker, Sight};
use super::witness::Witness;
use crate::domain::{Body, FollowUps, Kind, Service, Standing, Token, Truth, Zone};
use crate::stages::rules::RuleIndex;

/// An answer in a byte: action and follow-ups.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Answer(u8);

impl Answer {
    /// Of a body.
    pub(super) fn of(body: &Body) -> Self {
        Self((body.action as u8) << 4 | body.follow_ups.0 & 0xf)
    }

    /// The action's number, mildest first.
    pub(super) const fn action(self) -> u8 {
        self.0 >> 4
    }

    /// Challenged or declined.
    pub(super) const fn is_stopped(self) -> bool {
        self.action() > 0
    }

    /// Stopped, or put before a person.
    pub(super) const fn is_flagged(self) -> bool {
        self.0 > 0
    }

    /// `approve+review`.
    pub(super) fn shown(self) -> String {
        let action = crate::domain::Action::ALL.get(usize::from(self.action()));
        let mut text = action.map_or("", |action| action.name()).to_owned();
        for (one, name) in FollowUps::NAMED {
            if FollowUps(self.0 & 0xf).contains(one) {
                text.push('+');
                text.push_str(name);
            }
        }
        text
    }
}

/// One decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Minor units of the base currency; zero without an amount.
    pub(super) amount: i64,
    /// The local day's number since 1970.
    pub(super) day: i32,
    /// An index into [`Labels::campaigns`]; `u32::MAX` for none.
    pub(super) campaign: u32,
    pub(super) score: u16,
    /// How many of the hits are its.
    pub(super) hits: u16,
    pub(super) answer: Answer,
    pub(super) service: Service,
    pub(super) kind: Kind,
    pub(super) truth: Option<Truth>,
}

// A hundred million decisions fit in four gigabytes.
const _: () = assert!(size_of::<Row>() <= 32);

/// Every decision, and every rule that held.
pub(super) struct Verdicts<'a> {
    pub(super) rows: Vec<Row>,
    /// The rules that held, row after row.
    pub(super) hits: Vec<u16>,
    /// What was answered then, where the history says so; else empty.
    pub(super) then: Vec<Answer>,
    pub(super) witness: Witness<'a>,
    zone: &'a Zone,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(witness: Witness<'a>, zone: &'a Zone) -> Self {
        let (rows, hits, then) = (Vec::new(), Vec::new(), Vec::new());
        Self { rows, hits, then, witness, zone }
    }
}

impl Onlooker for Verdicts<'_> {
    fn decided(&mut self, sight: &Sight<'_>) {
        // A history of four thousand million decisions does not fit in memory before.
        let row = self.rows.len() as u32;
        let (truth, campaign) = self.witness.truth(sight, row);
        let hits = sight.engine.hits();
        let before = self.hits.len();
        let index = |rule: &RuleIndex| rule.0;
        self.hits.extend(hits.fired.iter().chain(&hits.shadow).map(index));
        self.then.extend(sight.then.map(Answer::of));
        self.rows.push(Row {
            amount: sight.amount.unwrap_or(0),
            // Days since 1970 fit by the bounds of `EventTime`.
            day: self.zone.local_ms(sight.received_at).div_euclid(86_400_000) as i32,
            campaign,
            score: sight.body.score,
            // At most every rule of a bundle, of which there are fewer than 65,536.
            hits: (self.hits.len() - before) as u16,
            answer: Answer::of(sight.body),
            service: sight.service,
            kind: sight.kind,
            truth,
        });
    }

    fn labelled(&mut self, target: Token, truth: Truth, standing: Standing) {
        let row = self.witness.labelled(target, truth, standing);
        if let Some(row) = row.and_then(|row| self.rows.get_mut(row as usize)) {
            row.truth = Some(truth);
        }
    }

    fn wants_labels(&self) -> bool {
        self.witness.listens()
    }
}

/// What other rules answer, in the same order.
#[derive(Default)]
pub(super) struct Answers(pub(super) Vec<Answer>);

impl Onlooker for Answers {
    fn decided(&mut self, sight: &Sight<'_>) {
        self.0.push(Answer::of(sight.body));
    }
}
