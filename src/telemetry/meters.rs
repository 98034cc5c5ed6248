//! Handles of every counter and gauge, made before the engine starts: counting is an atomic add.

use metrics::{Counter, Gauge};

use crate::domain::{Action, GuardMeasure, Kind, MissingTables, Placeholders, Service};

use super::{CounterName, GaugeName, Registry};

/// Declares a closed vocabulary of one label.
macro_rules! label_values {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $type { $($(#[$vdoc])* $variant,)+ }

        impl $type {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The label's text.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

label_values! {
    /// What became of a message.
    InputResult {
        /// Counted and decided.
        Decided = "decided",
        /// Decided before: the same answer again.
        Repeated = "repeated",
        /// Decided before with other content.
        Conflict = "conflict",
        /// Counted without a decision.
        Observed = "observed",
        /// Changed what is known of an earlier event.
        Amended = "amended",
        /// Waits for the event it speaks of.
        Parked = "parked",
        /// Became a dead letter.
        Rejected = "rejected",
    }
}

label_values! {
    /// Where a record went.
    Output {
        /// The decision topic.
        Decision = "decision",
        /// The audit topic.
        Audit = "audit",
        /// The dead-letter topic.
        DeadLetter = "dead_letter",
    }
}

label_values! {
    /// How a commit of positions ended.
    CommitResult {
        /// The broker has it.
        Done = "done",
        /// It has not; a later one will carry more.
        Failed = "failed",
    }
}

label_values! {
    /// How the log behind a partition's name does not go on where it was left.
    Break {
        /// Another topic under the same name: read from its beginning.
        Replaced = "replaced",
        /// Its end is gone: what comes is read.
        Truncated = "truncated",
        /// What was not read yet has been deleted.
        Expired = "expired",
    }
}

impl Break {
    /// In a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Replaced => {
                "stands another log than was read (the topic was made again, or its broker lost it)"
            }
            Self::Truncated => "the broker has lost the end of the log",
            Self::Expired => "the broker has deleted messages that were not read",
        }
    }
}

label_values! {
    /// How a look at a changed table ended.
    ReloadResult {
        /// The new one is in use.
        Loaded = "loaded",
        /// The new one is broken; the old one stays in use.
        Kept = "kept",
    }
}

/// Every handle.
pub struct Meters {
    inputs: Vec<Counter>,
    decisions: Vec<Counter>,
    rejects: ByName,
    dropped_fields: ByName,
    placeholders: ByName,
    malformed_fields: ByName,
    unknown_fields: ByName,
    degradations: Vec<Counter>,
    delivered: Vec<Counter>,
    commits: Vec<Counter>,
    breaks: Vec<Counter>,
    guard_trips: Vec<Counter>,
    /// Times that reading paused.
    pub pauses: Counter,
    /// Transactions given up and taken again.
    pub rewinds: Counter,
    /// Bytes appended to the journal.
    pub journal_bytes: Counter,
    /// Outputs on their way.
    pub unacknowledged: Gauge,
    /// Partitions read by this instance.
    pub partitions_assigned: Gauge,
    /// Partitions of the source topics.
    pub partitions_total: Gauge,
}

impl Meters {
    pub(super) fn new(
        registry: &Registry,
        reasons: &[&'static str],
        fields: &[&'static str],
    ) -> Self {
        let each = |name, values: Vec<&str>| -> Vec<Counter> {
            values.into_iter().map(|value| registry.counter(name, &[value])).collect()
        };
        let names = |all: &[InputResult]| all.iter().map(|value| value.name()).collect();
        Self {
            inputs: each(CounterName::Inputs, names(InputResult::ALL)),
            decisions: decisions(registry),
            rejects: ByName::new(registry, CounterName::Rejects, reasons, "other"),
            dropped_fields: ByName::new(registry, CounterName::DroppedFields, fields, "unknown"),
            placeholders: ByName::new(
                registry,
                CounterName::Placeholders,
                &Placeholders::FIELDS,
                "unknown",
            ),
            malformed_fields: ByName::new(
                registry,
                CounterName::MalformedFields,
                fields,
                "unknown",
            ),
            unknown_fields: ByName::new(registry, CounterName::UnknownFields, fields, "unknown"),
            degradations: each(
                CounterName::Degradations,
                MissingTables::NAMED.iter().map(|(_, name)| *name).collect(),
            ),
            delivered: each(
                CounterName::Delivered,
                Output::ALL.iter().map(|value| value.name()).collect(),
            ),
            commits: each(
                CounterName::Commits,
                CommitResult::ALL.iter().map(|value| value.name()).collect(),
            ),
            breaks: each(
                CounterName::Breaks,
                Break::ALL.iter().map(|value| value.name()).collect(),
            ),
            guard_trips: each(
                CounterName::GuardTrips,
                GuardMeasure::ALL.iter().map(|measure| measure.name()).collect(),
            ),
            pauses: registry.counter(CounterName::Pauses, &[]),
            rewinds: registry.counter(CounterName::Rewinds, &[]),
            journal_bytes: registry.counter(CounterName::JournalBytes, &[]),
            unacknowledged: registry.gauge(GaugeName::Unacknowledged, &[]),
            partitions_assigned: registry.gauge(GaugeName::PartitionsAssigned, &[]),
            partitions_total: registry.gauge(GaugeName::PartitionsTotal, &[]),
        }
    }

    /// Counts a message by what became of it.
    pub fn input(&self, result: InputResult) {
        add(&self.inputs, result as usize);
    }

    /// Counts a first decision.
    pub fn decision(&self, kind: Kind, service: Service, action: Action) {
        let kind = kind as usize - 1;
        add(&self.decisions, (kind * Service::COUNT + service.index()) * ACTIONS + action as usize);
    }

    /// Counts a dead letter.
    pub fn reject(&self, reason: &'static str) {
        self.rejects.add(reason);
    }

    /// Counts a field that was dropped at the door.
    pub fn dropped_field(&self, field: &str) {
        self.dropped_fields.add(field);
    }

    /// Counts values that named nobody.
    pub fn placeholders(&self, fields: Placeholders) {
        fields.names().for_each(|field| self.placeholders.add(field));
    }

    /// Counts fields that the schema does not know.
    pub fn dropped_unknown(&self, count: u32) {
        self.dropped_fields.other.increment(u64::from(count));
    }

    /// Counts a field that could not be read.
    pub fn malformed_field(&self, field: &str) {
        self.malformed_fields.add(field);
    }

    /// Counts a message with a field that the schema does not know, by the known one probably meant;
    /// any other name means none of them.
    pub fn unknown_field(&self, nearest: &str) {
        self.unknown_fields.add(nearest);
    }

    /// Counts an event that was decided without some tables.
    pub fn missing(&self, tables: MissingTables) {
        if tables == MissingTables::default() {
            return;
        }
        for (index, (table, _)) in MissingTables::NAMED.into_iter().enumerate() {
            if tables.contains(table) {
                add(&self.degradations, index);
            }
        }
    }

    /// Counts an acknowledged record.
    pub fn delivered(&self, output: Output) {
        add(&self.delivered, output as usize);
    }

    /// Counts a log that does not go on where it was left.
    pub fn broken(&self, what: Break) {
        add(&self.breaks, what as usize);
    }

    /// Counts what a guard did.
    pub fn guard_trip(&self, measure: GuardMeasure) {
        let index = GuardMeasure::ALL.iter().position(|known| *known == measure);
        add(&self.guard_trips, index.unwrap_or(usize::MAX));
    }

    /// Counts a commit.
    pub fn commit(&self, result: CommitResult) {
        add(&self.commits, result as usize);
    }
}

const ACTIONS: usize = Action::ALL.len();

/// One counter per kind, service and action, in that order of significance.
fn decisions(registry: &Registry) -> Vec<Counter> {
    let mut counters = Vec::with_capacity(Kind::ALL.len() * Service::COUNT * ACTIONS);
    for kind in Kind::ALL {
        for service in Service::ALL {
            for action in Action::ALL {
                let values = [kind.name(), service.name(), action.name()];
                counters.push(registry.counter(CounterName::Decisions, &values));
            }
        }
    }
    counters
}

fn add(counters: &[Counter], index: usize) {
    if let Some(counter) = counters.get(index) {
        counter.increment(1);
    }
}

/// Counters by a name of a closed list; any other name counts under one of its own.
struct ByName {
    /// Sorted by name.
    known: Vec<(&'static str, Counter)>,
    other: Counter,
}

impl ByName {
    fn new(
        registry: &Registry,
        name: CounterName,
        known: &[&'static str],
        other: &'static str,
    ) -> Self {
        let mut known: Vec<_> =
            known.iter().map(|value| (*value, registry.counter(name, &[value]))).collect();
        known.sort_by_key(|(value, _)| *value);
        known.dedup_by_key(|(value, _)| *value);
        Self { known, other: registry.counter(name, &[other]) }
    }

    fn add(&self, value: &str) {
        let place = self.known.binary_search_by_key(&value, |(known, _)| known);
        let counter = place.ok().and_then(|place| self.known.get(place));
        counter.map_or(&self.other, |(_, counter)| counter).increment(1);
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handles are found by arithmetic: an off-by-one would count declines as approvals.
    #[test]
    fn each_count_lands_on_its_own_series() {
        let registry = Registry::new();
        let meters = Meters::new(&registry, &["too_large"], &["device.imei"]);
        meters.decision(Kind::Refund, Service::DigitalTv, Action::Challenge);
        meters.decision(Kind::Consent, Service::CardAcquiring, Action::Decline);
        meters.input(InputResult::Rejected);
        meters.reject("too_large");
        meters.reject("never heard of");
        meters.dropped_field("device.imei");
        meters.dropped_field("4111111111111111");
        let mut tables = MissingTables::BIN;
        tables.add(MissingTables::HOSTS);
        meters.missing(tables);
        meters.delivered(Output::Audit);
        meters.commit(CommitResult::Failed);
        let text = registry.render();
        let counted: Vec<&str> = text.lines().filter(|line| line.ends_with(" 1")).collect();
        assert_eq!(
            counted,
            [
                "tidegate_commits_total{result=\"failed\"} 1",
                "tidegate_decisions_total{kind=\"consent\",service=\"card_acquiring\",action=\"decline\"} 1",
                "tidegate_decisions_total{kind=\"refund\",service=\"digital_tv\",action=\"challenge\"} 1",
                "tidegate_degradations_total{table=\"bin\"} 1",
                "tidegate_degradations_total{table=\"hosts\"} 1",
                "tidegate_delivered_total{output=\"audit\"} 1",
                "tidegate_dropped_fields_total{field=\"device.imei\"} 1",
                "tidegate_dropped_fields_total{field=\"unknown\"} 1",
                "tidegate_inputs_total{result=\"rejected\"} 1",
                "tidegate_rejects_total{reason=\"other\"} 1",
                "tidegate_rejects_total{reason=\"too_large\"} 1",
            ]
        );
        assert!(!text.contains("4111"), "a name from a message is no label");
    }
}
