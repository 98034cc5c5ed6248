//! Guards: how many payments a rule may decline in a minute, and what a canary may change.
//!
//! The counting stands beside the engine's state: what it comes to is an input (`Control::Guard`),
//! numbered and journaled, so that replay and recovery follow it without counting again. A restart
//! forgets a minute's counts and no more.

use crate::bundle::Bundle;
use crate::domain::{Action, Body, EventTime, Force, GuardMeasure, GuardTrip, Token};
use crate::stages::rules::{Hits, Mode, RuleIndex};

/// A rule that is live for so long may decline as much as it finds.
const YOUNG_MS: i64 = 7 * 86_400_000;
/// Subjects on each side before a canary is judged.
const SAMPLE: u64 = 200;

/// Counts per minute of arrival.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    now: u32,
    before: u32,
}

impl Minute {
    fn turn(&mut self, is_next: bool) {
        self.before = if is_next { self.now } else { 0 };
        self.now = 0;
    }

    fn most(self) -> u32 {
        self.now.max(self.before)
    }
}

/// Decided events of one side of a canary.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    decided: u64,
    declined: u64,
}

impl Side {
    /// Whether its rate of declines lies above another's by more than a shift, in hundredths of a
    /// percent. Without a division; in 128 bits, since a day's counts multiplied leave 64.
    fn declines_more(self, than: Self, shift_bp: u32) -> bool {
        let [decided, declined] = [self.decided, self.declined].map(u128::from);
        let [others, others_declined] = [than.decided, than.declined].map(u128::from);
        let usual = 10_000 * others_declined * decided;
        10_000 * declined * others > usual + u128::from(shift_bp) * decided * others
    }

    /// Declines of all, in hundredths of a percent.
    fn rate_bp(self) -> u32 {
        // At most 10,000, since no more are declined than decided.
        (u128::from(self.declined) * 10_000 / u128::from(self.decided.max(1))) as u32
    }
}

/// Watches what a bundle's rules decline.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    bundle: [u8; 32],
    minute: i64,
    whole: Minute,
    is_whole_over: bool,
    rules: Vec<Minute>,
    /// Canaries, each with the side it takes effect for and the other.
    canaries: Vec<(RuleIndex, [Side; 2])>,
    due: Vec<GuardTrip>,
}

/// What the watcher has to know beside the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) hits: &'a Hits,
    pub(super) body: &'a Body,
    pub(super) subject: Option<Token>,
    pub(super) received_at: EventTime,
}

impl Watcher {
    /// What has to be done now, if anything.
    pub(super) fn take(&mut self) -> Option<GuardTrip> {
        self.due.pop()
    }

    /// Counts one decision. `since` says since when a rule is live as it is, `fallen` whether it
    /// has fallen back already.
    pub(super) fn note(
        &mut self,
        seen: Seen<'_>,
        since: impl Fn(&str) -> Option<EventTime>,
        fallen: &[String],
    ) {
        let Seen { bundle, hits, body, received_at, .. } = seen;
        if !bundle.guards.is_any() {
            return;
        }
        if self.bundle != bundle.hash {
            self.begin(bundle);
        }
        self.turn(received_at, bundle, fallen);
        let is_young =
            |id: &str| since(id).is_none_or(|since| received_at.as_ms() - since.as_ms() < YOUNG_MS);
        let mut asks = body.action == Action::Decline;
        for rule in &hits.fired {
            let of = bundle.rules.rule(*rule);
            if of.effect.action != Some(Action::Decline) || of.effect.force == Force::HardBlock {
                continue;
            }
            asks = true;
            let count = &mut self.rules[rule.index()];
            count.now = count.now.saturating_add(1);
            // Told once, when the limit is passed.
            if let Some(limit) = bundle.guards.rules[rule.index()]
                && count.now == limit.saturating_add(1)
                && count.before <= limit
            {
                let falls = is_young(&of.id) && !fallen.contains(&of.id);
                let rules = if falls { vec![of.id.clone()] } else { Vec::new() };
                self.due.push(trip(Some(&of.id), rules, (count.now, limit)));
            }
        }
        self.whole.now = self.whole.now.saturating_add(u32::from(asks));
        if let Some(limit) = bundle.guards.whole
            && self.whole.most() > limit
            && !self.is_whole_over
        {
            self.is_whole_over = true;
            let rules = bundle.rules.rules().iter().filter(|rule| {
                let declines = rule.effect.action == Some(Action::Decline);
                declines && rule.effect.force != Force::HardBlock && is_young(&rule.id)
            });
            let rules = rules.map(|rule| rule.id.clone()).collect();
            self.due.push(trip(None, rules, (self.whole.most(), limit)));
        }
        self.judge(seen);
    }

    fn begin(&mut self, bundle: &Bundle) {
        let canaries = bundle.rules.rules().iter().enumerate();
        let canaries = canaries.filter(|(_, rule)| matches!(rule.mode, Mode::Canary(_)));
        *self = Self {
            bundle: bundle.hash,
            minute: self.minute,
            rules: vec![Minute::default(); bundle.rules.rules().len()],
            canaries: canaries
                .map(|(at, _)| (RuleIndex(at as u16), [Side::default(); 2]))
                .collect(),
            ..Self::default()
        };
    }

    /// Goes on to an arrival's minute. A rule that was calm for a whole one declines again.
    fn turn(&mut self, at: EventTime, bundle: &Bundle, fallen: &[String]) {
        let minute = at.as_ms().div_euclid(60_000);
        if minute <= self.minute {
            return;
        }
        let is_next = minute == self.minute + 1;
        self.minute = minute;
        self.whole.turn(is_next);
        self.rules.iter_mut().for_each(|count| count.turn(is_next));
        self.is_whole_over &= bundle.guards.whole.is_some_and(|limit| self.whole.before > limit);
        if fallen.is_empty() || self.is_whole_over {
            return;
        }
        let is_calm = |id: &String| {
            let at = bundle.rules.rules().iter().position(|rule| rule.id == *id);
            at.is_none_or(|at| {
                bundle.guards.rules[at].is_none_or(|limit| self.rules[at].before <= limit)
            })
        };
        let rules: Vec<String> = fallen.iter().filter(|id| is_calm(id)).cloned().collect();
        if !rules.is_empty() {
            let measure = GuardMeasure::Restore;
            self.due.push(GuardTrip { about: None, rules, measure, found: 0, limit: 0 });
        }
    }

    /// Holds the subjects that canaries meet against those that they do not.
    fn judge(&mut self, seen: Seen<'_>) {
        let Seen { bundle, body, subject, .. } = seen;
        let Some(subject) = subject else { return };
        let shift_bp = bundle.guards.canary_shift_bp;
        let mut due = Vec::new();
        self.canaries.retain_mut(|(rule, sides)| {
            let of = bundle.rules.rule(*rule);
            let Mode::Canary(share) = of.mode else { return false };
            let side = &mut sides[usize::from(!bundle.rules.meets(subject, share))];
            side.decided += 1;
            side.declined += u64::from(body.action == Action::Decline);
            let [with, without] = *sides;
            if with.decided < SAMPLE || without.decided < SAMPLE {
                return true;
            }
            if !with.declines_more(without, shift_bp) {
                return true;
            }
            let (found, limit) = (with.rate_bp(), without.rate_bp().saturating_add(shift_bp));
            let (about, rules) = (Some(of.id.clone()), vec![of.id.clone()]);
            due.push(GuardTrip { about, rules, measure: GuardMeasure::Shadow, found, limit });
            false
        });
        self.due.append(&mut due);
    }
}

fn trip(about: Option<&String>, rules: Vec<String>, (found, limit): (u32, u32)) -> GuardTrip {
    let about = about.cloned();
    GuardTrip { about, rules, measure: GuardMeasure::FallBack, found, limit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::shipped_files;

    /// What a policy that names no shift stands for.
    const SHIFT_BP: u32 = 500;

    /// What a canary of half the subjects comes to, when it declines everybody it meets or nobody.
    fn trips(declines: bool) -> Vec<GuardTrip> {
        let mut files = shipped_files();
        let rule = "rules:\n- id: trial\n  name: On trial\n  mode: canary 50%\n  \
                    when: amount_base > money(\"0.00 CNY\")\n  then: {action: decline}\n  \
                    reason: {code: trial, text: A trial.}\n";
        files.insert("trial.yaml".to_owned(), rule.into());
        let bundle = Bundle::compile(&files).unwrap();
        let mode = bundle.rules.rules().iter().find(|rule| rule.id == "trial").unwrap().mode;
        let Mode::Canary(share) = mode else { panic!("{mode:?}") };
        let (mut watcher, hits, mut trips) = (Watcher::default(), Hits::default(), Vec::new());
        for number in 0..2_000 {
            let subject = Token::from_words([number, 1]);
            let is_declined = declines && bundle.rules.meets(subject, share);
            let action = if is_declined { Action::Decline } else { Action::Approve };
            let (body, subject) = (Body { action, ..Body::default() }, Some(subject));
            let received_at = EventTime::MIN;
            let seen = Seen { bundle: &bundle, hits: &hits, body: &body, subject, received_at };
            watcher.note(seen, |_| None, &[]);
            trips.extend(watcher.take());
        }
        trips
    }

    /// A rule on trial that declines its subjects takes itself back, once; a harmless one stays.
    #[test]
    fn a_canary_that_declines_more_rolls_itself_back() {
        let found = trips(true);
        let [GuardTrip { about, rules, measure, found, limit }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (about.as_deref(), rules.as_slice()),
            (Some("trial"), &["trial".to_owned()][..])
        );
        assert_eq!((*measure, *found, *limit), (GuardMeasure::Shadow, 10_000, SHIFT_BP));
        assert_eq!(trips(false), []);
    }

    /// Counts of a bundle that is in force for years still compare.
    #[test]
    fn great_counts_compare() {
        let side = |declined| Side { decided: 1 << 50, declined };
        let five_percent = (1 << 50) / 20;
        for (declined, more) in [(0, false), (five_percent, false), (five_percent + 1, true)] {
            assert_eq!(side(declined).declines_more(side(0), SHIFT_BP), more, "{declined}");
        }
        assert_eq!((side(1 << 50).rate_bp(), Side::default().rate_bp()), (10_000, 0));
    }
}
