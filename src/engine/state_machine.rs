//! The engine: one input at a time, in one order.

use std::sync::Arc;

use crate::bundle::Bundle;
use crate::domain::{
    Amendment, Applied, Band, Body, DecisionFlags, Effect, EntityKind, EventTime, Fact,
    FeatureVector, FieldId, FieldType, Input, Kind, MissingTables, Plan, ReasonId, Seq, Service,
    Source, Stage, Standing, Token, Value, What,
};
use crate::stages::decide::{Evidence, Priced, RiskData, decide};
use crate::stages::features::{
    Behind, BitsAre, Demand, FeaturePlan, FeatureState, Footprint, MemoryUse, PanesAre, PlanFault,
    StateLimits, StoreId,
};
use crate::stages::rules::{Context, Hits};

use super::budget::Budget;
use super::carry::Renewal;
use super::control::Standings;
use super::governance::Governance;
use super::lists::{ListStore, Lists, Question};
use super::made::Made;
use super::parked::{Expired, Parked};
use super::recent::{BundleNumber, Moment, Recent, Remembered};
use super::snapshot::{LastInput, Rest};

/// Bounds of the engine's memory.
#[derive(Clone, Debug)]
pub struct EngineLimits {
    /// Bounds of the windows' state.
    pub state: StateLimits,
    /// Most recent events that are remembered for "once" and for amendments.
    pub recent_events: u32,
    /// Most amendments that wait for their event.
    pub parked_amendments: u32,
    /// How long an amendment waits, in milliseconds.
    pub patience_ms: i64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            state: StateLimits::default(),
            recent_events: 2_000_000,
            parked_amendments: 100_000,
            patience_ms: 7 * 86_400_000,
        }
    }
}

/// The numbers of the engine's own stores in a snapshot, after those of the windows.
pub(super) const RECENT: StoreId = StoreId(13);
pub(super) const AMENDED: StoreId = StoreId(14);
pub(super) const REST: StoreId = StoreId(15);
pub(super) const LISTS: StoreId = StoreId(16);

/// How far the stream has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) last: Option<LastInput>,
    /// The newest position of each topic and partition, sorted by these.
    pub(super) positions: Vec<Source>,
}

impl Progress {
    fn note(&mut self, input: &Input) {
        let (event, content, received_at) = (input.event, input.content, input.received_at);
        self.last = Some(LastInput { event, content, received_at });
        let Some(source) = input.source else { return };
        let key = |source: &Source| (source.topic, source.partition);
        match self.positions.binary_search_by_key(&key(&source), key) {
            // Not the greatest: a topic that was made again counts from its own beginning.
            Ok(at) => self.positions[at].offset = source.offset,
            Err(at) => self.positions.insert(at, source),
        }
    }
}

/// When an answer was first given, and by which bundle.
#[derive(Clone, Copy, Debug)]
struct Answered {
    received_at: EventTime,
    bundle: BundleNumber,
}

/// A function of the inputs so far.
#[derive(Debug)]
pub struct Engine {
    pub(super) bundle: Arc<Bundle>,
    pub(super) limits: EngineLimits,
    /// A hash of what the words of the state mean.
    pub(super) layout: [u8; 32],
    pub(super) plan: FeaturePlan,
    pub(super) state: FeatureState,
    pub(super) recent: Recent,
    /// Amendments that were applied, by their content: one that comes again changes nothing.
    pub(super) amended: Recent,
    pub(super) parked: Parked,
    pub(super) lists: ListStore,
    /// What the bundle asks of the lists.
    pub(super) questions: Vec<Question>,
    pub(super) governance: Governance,
    pub(super) standings: Standings,
    expired: Vec<Expired>,
    pub(super) next: Seq,
    pub(super) progress: Progress,
    /// Every bundle that has answered, by [`BundleNumber`]: what a repeated answer names.
    pub(super) names: Vec<Made>,
    /// What a snapshot copies at once.
    pub(super) rest: Rest,
    pub(super) current: BundleNumber,
    /// When and under which bundle the last input was answered first.
    answered: Answered,
    /// What the last input produced.
    pub(super) row: FeatureVector,
    /// As far as it needs one, the row of a forgotten event that is amended.
    pub(super) past_row: FeatureVector,
    pub(super) hits: Hits,
    effects: Vec<Effect>,
    pub(super) warming: Vec<u64>,
    footprint: Footprint,
    pub(super) other: Footprint,
    pub(super) renewal: Renewal,
}

impl Engine {
    /// An engine that has seen nothing. Fails when the bundle's features cannot be laid out.
    pub fn new(bundle: Arc<Bundle>, limits: &EngineLimits) -> Result<Self, Vec<PlanFault>> {
        let plan = super::switch::plan(&bundle)?;
        let row = FeatureVector::new(bundle.schema.columns());
        let words = Self::footprint_words(plan.numbers());
        let lists = ListStore::new(LISTS);
        let questions = Question::all(&bundle.lists, &lists.lists);
        let names = vec![Made::of(&bundle)];
        Ok(Self {
            bundle,
            state: FeatureState::new(&limits.state),
            limits: limits.clone(),
            layout: layout(&plan, limits),
            recent: Recent::new(limits.recent_events, words, RECENT),
            amended: Recent::new(limits.recent_events / 4, words, AMENDED),
            parked: Parked::new(limits.parked_amendments as usize, limits.patience_ms),
            lists,
            questions,
            governance: Governance::default(),
            standings: Standings::default(),
            expired: Vec::new(),
            next: Seq(1),
            progress: Progress::default(),
            rest: Rest::new(REST),
            names,
            current: BundleNumber::default(),
            answered: Answered { received_at: EventTime::MIN, bundle: BundleNumber(0) },
            past_row: row.clone(),
            row,
            hits: Hits::default(),
            effects: Vec::new(),
            warming: Vec::new(),
            footprint: Footprint::default(),
            other: Footprint::default(),
            renewal: Renewal::default(),
            plan,
        })
    }

    /// The bundle that decides.
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// The number that the next input gets.
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// When the newest input arrived; arrivals never go back, also across a restart.
    pub fn last_received_at(&self) -> Option<EventTime> {
        self.progress.last.map(|last| last.received_at)
    }

    /// Per topic and partition, the newest position that an input came from.
    pub fn positions(&self) -> &[Source] {
        &self.progress.positions
    }

    /// The lists, to be read from beside the engine as well.
    pub fn lists(&self) -> &Lists {
        &self.lists.lists
    }

    /// The row that the rules saw of the last decided input.
    pub fn row(&self) -> &FeatureVector {
        &self.row
    }

    /// The events behind a column of the last input that was counted, which is `input`; `None` when
    /// the column is no aggregate's.
    pub fn behind(&self, field: FieldId, input: &Input) -> Option<Behind> {
        self.state.behind(&self.plan, field, input, &self.footprint)
    }

    /// The columns whose windows were not filled yet when the last input was decided: one bit a
    /// column, 64 columns a word.
    pub fn warming(&self) -> &[u64] {
        &self.warming
    }

    /// Which rules spoke of the last decided input.
    pub fn hits(&self) -> &Hits {
        &self.hits
    }

    /// When the last answer was first given: on a repeat, when the first one was.
    pub fn answered_at(&self) -> EventTime {
        self.answered.received_at
    }

    /// The hash of the bundle that gave the last answer.
    pub fn answered_by(&self) -> &str {
        &self.made().name
    }

    /// The stable code and the sentence of a reason of the last answer.
    pub fn reason(&self, id: ReasonId) -> (&str, &str) {
        self.made().reason(id)
    }

    /// What the last answer's bundle calls a band of a service's score.
    pub fn band_name(&self, service: Service, band: Band) -> &str {
        self.made().bands.get(service, band)
    }

    fn made(&self) -> &Made {
        // A number comes from `names`' own length.
        &self.names[usize::from(self.answered.bundle.0)]
    }

    /// Amendments that were given up on since the last call.
    pub fn take_expired(&mut self) -> impl Iterator<Item = Expired> {
        self.expired.drain(..)
    }

    /// The device that the last counted event was recognised as.
    pub const fn device(&self) -> Option<Token> {
        self.state.device()
    }

    /// Amendments that wait for their event.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// What the state wants to have ready when it grows: whoever has time makes it (`edges::memory`).
    pub fn demands(&mut self) -> Vec<Demand> {
        let mut demands = self.state.demands();
        demands.extend([self.recent.demand(), self.amended.demand()]);
        demands
    }

    /// What memory the windows use, and the bytes that the recent past takes.
    pub fn memory(&self) -> (MemoryUse, u64) {
        (self.state.memory(&self.plan), self.recent.bytes() + self.amended.bytes())
    }

    /// Applies one input: counts it, decides it, amends what it amends.
    pub fn apply(&mut self, input: &Input, budget: &mut impl Budget) -> Applied {
        self.state.approach(&self.plan, input);
        if let Some(known) = self.known(input) {
            return known;
        }
        let seq = self.take_seq();
        self.progress.note(input);
        match input.what {
            What::Amend { target, amendment } => {
                self.remember_amendment(input, seq);
                let amended = self.amend(input, seq, target, amendment);
                budget.passed(Stage::Features);
                amended
            }
            What::Observe => {
                self.count(input, seq);
                budget.passed(Stage::Features);
                self.remember(input, seq, None);
                Applied::Observed { seq }
            }
            What::Decide => {
                let plan = budget.plan(Stage::Features, &self.bundle.policy.ledger);
                self.count(input, seq);
                budget.passed(Stage::Features);
                let body = self.decide(input, plan, budget);
                self.remember(input, seq, Some(&body));
                Applied::Decided { seq, body }
            }
            What::Control => {
                self.control(input, seq);
                Applied::Controlled { seq }
            }
        }
    }

    /// Counts an input that the journal holds, with the answer it got then: how a restart comes
    /// back to where it was. Rules are not asked again.
    pub(super) fn restore(
        &mut self,
        input: &Input,
        seq: Seq,
        body: Option<&Body>,
        made_by: BundleNumber,
    ) {
        self.next = Seq(seq.0.saturating_add(1));
        self.progress.note(input);
        let current = std::mem::replace(&mut self.current, made_by);
        match input.what {
            What::Amend { target, amendment } => {
                self.remember_amendment(input, seq);
                self.amend(input, seq, target, amendment);
            }
            What::Observe | What::Decide => {
                self.count(input, seq);
                self.remember(input, seq, body);
            }
            What::Control => self.control(input, seq),
        }
        self.current = current;
    }

    /// Makes a bundle of the past known by name, so that its answers can be repeated.
    pub(super) fn introduce(&mut self, made: Made) -> BundleNumber {
        if let Some(known) = self.knows(&made.name) {
            return known;
        }
        self.names.push(made);
        BundleNumber((self.names.len() - 1) as u16)
    }

    /// Whether the answers of a bundle can be repeated.
    pub(super) fn knows(&self, name: &str) -> Option<BundleNumber> {
        let at = self.names.iter().position(|made| made.name == name)?;
        Some(BundleNumber(at as u16))
    }

    /// Goes on from a snapshot's contents; the bundle stays the one that decides.
    pub(super) fn take_over(
        &mut self,
        state: FeatureState,
        (recent, amended, parked, governance): (Recent, Recent, Parked, Governance),
        names: Vec<Made>,
        (next, progress, renewal): (Seq, Progress, Renewal),
    ) {
        self.state = state;
        self.recent = recent;
        self.amended = amended;
        self.parked = parked;
        self.governance = governance;
        self.mark_off();
        self.names = names;
        self.next = next;
        self.progress = progress;
        self.renewal = renewal;
        self.rest = Rest::new(REST);
        self.questions = Question::all(&self.bundle.lists, &self.lists.lists);
        self.expired.clear();
        let own = Made::of(&self.bundle);
        self.current = self.introduce(own.clone());
        // A bundle of the past may have been read without what it says; this one has it.
        self.names[usize::from(self.current.0)] = own;
        let received_at = self.last_received_at().unwrap_or(EventTime::MIN);
        self.answered = Answered { received_at, bundle: self.current };
    }

    fn moment(&self, input: &Input, seq: Seq) -> Moment {
        Moment {
            seq,
            counted_at: input.counted_at(),
            received_at: input.received_at,
            bundle: self.current,
        }
    }

    fn take_seq(&mut self) -> Seq {
        let seq = self.next;
        self.next = Seq(seq.0.saturating_add(1));
        seq
    }

    /// What was answered before, if this input came before.
    fn known(&mut self, input: &Input) -> Option<Applied> {
        if let What::Amend { .. } = input.what {
            let before = self.amended.find(input.name()).map(|before| before.seq);
            let seq = before.or(input.known.as_ref().map(|known| known.seq))?;
            return Some(Applied::AlreadyCounted { seq });
        }
        if input.what == What::Control {
            return None;
        }
        let recent = self.recent.find(input.event).map(
            |Remembered { seq, content, body, received_at, bundle, .. }| {
                (seq, content, body, received_at, bundle)
            },
        );
        let past = || {
            let past = input.known.as_ref()?;
            let hex: String = past.bundle.iter().map(|byte| format!("{byte:02x}")).collect();
            let bundle = self.knows(&format!("sha256:{hex}")).unwrap_or(self.current);
            Some((past.seq, past.content, past.body, past.received_at, bundle))
        };
        let (seq, content, body, received_at, bundle) = recent.or_else(past)?;
        self.answered = Answered { received_at, bundle };
        Some(match body {
            _ if !input.is_same(content) => Applied::Conflict { seq },
            Some(body) => Applied::Repeated { seq, body },
            // Nobody was answered then, and history gets no answer now.
            None => Applied::AlreadyCounted { seq },
        })
    }

    /// Puts the event into every window and fills the row up to the derived columns.
    fn count(&mut self, input: &Input, seq: Seq) {
        self.row.start(&input.facts);
        for known in &self.bundle.attributes {
            if let Some(attribute) = input.attributes.iter().find(|one| one.name == known.name) {
                set_attribute(&mut self.row, known.field, known.field_type, &attribute.value);
            }
        }
        self.state.observe(&self.plan, input, seq, &mut self.row, &mut self.footprint);
        for question in &self.questions {
            question.ask(input, self.state.device(), &mut self.row);
        }
        for derived in &self.bundle.derived {
            // An error (a missing value, a division by zero) leaves the column missing.
            if let Ok(value) = derived.program.value(&self.row) {
                match value {
                    Value::Bool(value) => self.row.set_bool(derived.field, value),
                    Value::Int(value) | Value::Money(value) | Value::Timestamp(value) => {
                        self.row.set_int(derived.field, value);
                    }
                    Value::Float(value) => self.row.set_float(derived.field, value),
                    Value::Id(value) => self.row.set_bits(derived.field, value),
                    Value::Text(value) => {
                        // Text borrows from the row that is being written.
                        let value = value.to_owned();
                        self.row.set_text(derived.field, &value);
                    }
                }
            }
        }
    }

    /// `plan` is what there was time for before the event was counted.
    fn decide(&mut self, input: &Input, plan: Plan, budget: &mut impl Budget) -> Body {
        let facts = &input.facts;
        let plan = Plan::max(plan, budget.plan(Stage::Rules, &self.bundle.policy.ledger));
        // Enrich sets both for every event that asks for a decision.
        let word = |fact| facts.text(fact).unwrap_or("");
        let service = Service::parse(word(Fact::Service)).unwrap_or(Service::InternetPayment);
        let kind = Kind::parse(word(Fact::Kind)).unwrap_or(Kind::Payment);
        self.state.warming(&self.plan, input.counted_at(), &mut self.warming);
        self.warm_derived();
        let subject =
            input.tokens.get(EntityKind::Account).or_else(|| input.tokens.get(EntityKind::Card));
        let context = Context {
            service,
            kind,
            occurred_at: input.occurred_at,
            subject,
            warming: &self.warming,
            plan,
        };
        self.bundle.rules.evaluate(&self.row, &context, &mut self.hits);
        budget.passed(Stage::Rules);
        self.silence();
        self.effects.clear();
        for at in 0..self.hits.fired.len() {
            let effect = self.effect_of(self.hits.fired[at]);
            self.effects.push(effect);
        }
        let mut flags = self.hits.flags;
        if input.missing != MissingTables::default() {
            flags.add(DecisionFlags::MISSING_TABLES);
        }
        if self.row.any_incomplete() {
            flags.add(DecisionFlags::INCOMPLETE);
        }
        if facts.int(Fact::MalformedFields).is_some_and(|count| count > 0) {
            flags.add(DecisionFlags::MALFORMED);
        }
        if facts.bool(Fact::ArrivedLate) == Some(true) {
            flags.add(DecisionFlags::LATE);
        }
        let evidence = Evidence {
            service,
            amount_base: facts.int(Fact::AmountBase),
            priced: self.priced(input, service, kind),
            is_resubmission: facts.bool(Fact::IsResubmission) == Some(true),
            came: came(input),
            fired: &self.effects,
            flags,
            missing: input.missing,
            plan,
        };
        decide(&self.bundle.policy, &evidence)
    }

    /// Whether the worth of what moves is known, and if not, whether a limit of the policy is passed.
    fn priced(&self, input: &Input, service: Service, kind: Kind) -> Priced {
        let facts = &input.facts;
        let has_amount = kind.moves_money() && facts.has(Fact::AmountMinor);
        if !has_amount || facts.has(Fact::AmountBase) {
            return Priced::Known;
        }
        let limits = &self.bundle.policy.of(service).no_rate.decline_above;
        let is_passed = |(column, most): &(FieldId, i64)| {
            self.row.has(*column) && self.row.int(*column) > *most
        };
        if limits.iter().any(is_passed) { Priced::UnknownAgain } else { Priced::Unknown }
    }

    /// A column derived from a warming one is warming; the order of `derived` is that of need.
    fn warm_derived(&mut self) {
        let is_warming = |words: &[u64], field: &FieldId| {
            words[field.index() / 64] >> (field.index() % 64) & 1 == 1
        };
        for derived in &self.bundle.derived {
            let warming = &mut self.warming;
            if derived.program.fields().iter().any(|field| is_warming(warming, field)) {
                warming[derived.field.index() / 64] |= 1 << (derived.field.index() % 64);
            }
        }
    }

    /// Remembers the event, and applies what was waiting for it.
    fn remember(&mut self, input: &Input, seq: Seq, body: Option<&Body>) {
        let moment = self.moment(input, seq);
        self.answered = Answered { received_at: moment.received_at, bundle: moment.bundle };
        self.recent.add((input.event, input.content), moment, body, &self.footprint);
        self.renew_some();
        let mut waiting = Vec::new();
        self.parked.take(input.event, |amendment, standing| waiting.push((amendment, standing)));
        for (amendment, standing) in waiting {
            self.amend_known(input.event, amendment, standing);
        }
        if let Some((original, amendment)) = input.amends() {
            // An unknown original stays as it is.
            let standing = input.standing(amendment);
            if self.amend_known(original, amendment, standing).is_none() {
                self.amend_past(input, amendment);
            }
        }
    }

    fn remember_amendment(&mut self, input: &Input, seq: Seq) {
        self.footprint.clear();
        let moment = self.moment(input, seq);
        self.amended.add((input.name(), input.content), moment, None, &self.footprint);
    }

    fn amend(&mut self, input: &Input, seq: Seq, target: Token, amendment: Amendment) -> Applied {
        self.parked.expire(input.received_at, |expired| self.expired.push(expired));
        let standing = input.standing(amendment);
        let amended = self.amend_known(target, amendment, standing);
        match amended.or_else(|| self.amend_past(input, amendment)) {
            Some(target) => Applied::Amended { seq, target },
            None => {
                let since: EventTime = input.received_at;
                self.parked.park((seq, input.source, since), target, (amendment, standing));
                Applied::Parked { seq }
            }
        }
    }

    /// Whether an event need not be looked up elsewhere. The one that the next input will displace
    /// must be: a reversal is remembered before its original is amended.
    pub fn remembers(&self, event: Token) -> bool {
        stays(&self.recent, event)
    }

    /// Whether an amendment, by its content, need not be looked up elsewhere.
    pub fn remembers_amendment(&self, content: Token) -> bool {
        stays(&self.amended, content)
    }

    /// Corrects the windows that still hold an event which the journal had to name, unless something
    /// newer is known of it.
    fn amend_past(&mut self, input: &Input, amendment: Amendment) -> Option<Seq> {
        let past = input.target.as_ref()?;
        // Its facts stand in for the row that it was counted with: windows ask nothing else of it.
        self.past_row.start(&past.facts);
        self.state.trace(&self.plan, &past.tokens, &self.past_row, &mut self.other);
        for (before, standing) in &past.amendments {
            self.other.note(*before, *standing);
        }
        if !self.other.gives_way_to(amendment, input.standing(amendment)) {
            return Some(past.seq);
        }
        self.state.approach_again(&self.plan, &self.other);
        self.state.amend(&self.plan, &self.other, past.occurred_at, past.seq, amendment);
        Some(past.seq)
    }

    /// Corrects the windows of a known event, unless something newer is known of it.
    fn amend_known(
        &mut self,
        target: Token,
        amendment: Amendment,
        standing: Standing,
    ) -> Option<Seq> {
        let event = self.recent.find(target)?;
        self.recent.footprint(event.row, &mut self.other);
        if !self.other.gives_way_to(amendment, standing) {
            return Some(event.seq);
        }
        self.state.renew(&mut self.other);
        self.state.approach_again(&self.plan, &self.other);
        self.state.amend(&self.plan, &self.other, event.counted_at, event.seq, amendment);
        self.other.note(amendment, standing);
        self.recent.set_footprint(event.row, &self.other);
        Some(event.seq)
    }
}

pub(super) fn layout(plan: &FeaturePlan, limits: &EngineLimits) -> [u8; 32] {
    layout_as(plan, limits, (PanesAre::Fine, BitsAre::WithPresence))
}

/// What a snapshot of a format calls the layout of a plan's state.
pub(super) fn layout_as(
    plan: &FeaturePlan,
    limits: &EngineLimits,
    kept: (PanesAre, BitsAre),
) -> [u8; 32] {
    let EngineLimits { state, recent_events, parked_amendments, patience_ms } = limits;
    let rest = format!("{recent_events} {parked_amendments} {patience_ms}");
    let text = plan.layout_as(state, kept) + &rest;
    let mut hash = [0; 32];
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Whether it is remembered, and not the one that the next will displace.
fn stays(recent: &Recent, token: Token) -> bool {
    recent.find(token).is_some_and(|found| recent.keeps(found.row))
}

fn came(input: &Input) -> RiskData {
    let group = |fact, group| {
        if input.facts.bool(fact) == Some(true) { group } else { RiskData::default() }
    };
    group(Fact::DevicePresent, RiskData::DEVICE)
        .union(group(Fact::IpPresent, RiskData::IP))
        .union(group(Fact::LocationPresent, RiskData::LOCATION))
}

/// Sets a custom field; a value of another type than declared is left out.
fn set_attribute(
    row: &mut FeatureVector,
    field: FieldId,
    field_type: FieldType,
    value: &crate::domain::AttributeValue<'_>,
) {
    use crate::domain::AttributeValue::{Flag, Integer, Number, Text};
    match (field_type, value) {
        (FieldType::Bool, Flag(value)) => row.set_bool(field, *value),
        (FieldType::Int, Integer(value)) => row.set_int(field, *value),
        (FieldType::Float, Number(value)) => row.set_float(field, *value),
        (FieldType::Float, Integer(value)) => row.set_float(field, *value as f64),
        (FieldType::Text, Text(value)) => row.set_text(field, value),
        _ => {}
    }
}
