//! What the log says: one variant per event, facts only, no value of any payment.

/// Something worth a line.
pub enum LogEvent<'a> {
    /// The service is set up.
    Started {
        /// The program's version.
        version: &'static str,
        /// The bundle's hash.
        bundle: &'a str,
        /// The next input's number.
        next_seq: u64,
    },
    /// A person has changed lists or rules over the admin socket.
    Changed {
        /// In a word.
        what: &'static str,
        /// The list, the bundle or the rule.
        about: &'a str,
        /// The user of the machine.
        by: &'a str,
        /// The number of the input.
        seq: u64,
    },
    /// The state is back: from a snapshot, and from the inputs after it.
    Recovered {
        /// Inputs that the snapshot had seen; 0 without one.
        restored: u64,
        /// Inputs that were counted again.
        inputs: u64,
        /// Milliseconds that it took.
        ms: u64,
    },
    /// A snapshot could not be used; an older one is tried, then the journal.
    SnapshotPassedOver {
        /// The file.
        file: &'a dyn std::fmt::Display,
        /// Why.
        fault: &'a dyn std::fmt::Display,
    },
    /// A snapshot is written and proven.
    SnapshotTaken {
        /// The first input that it has not seen.
        next_seq: u64,
        /// Its size.
        bytes: u64,
        /// Milliseconds from its barrier.
        ms: u64,
    },
    /// A snapshot was not taken; those before it stay.
    SnapshotFailed {
        /// Why.
        text: &'a str,
    },
    /// A guard found too many declines.
    GuardTripped {
        /// A rule's id, or the bundle.
        about: &'a str,
        /// What is done.
        measure: &'static str,
        /// The rules that it is done to.
        rules: &'a str,
        /// Declines in a minute, or a share in hundredths of a percent.
        found: u32,
        /// The limit.
        limit: u32,
    },
    /// The metrics can be read.
    Listening {
        /// Where.
        address: std::net::SocketAddr,
    },
    /// A signal asks the service to stop.
    Stopping {
        /// Which.
        signal: &'static str,
    },
    /// Everything is acknowledged and committed.
    Stopped,
    /// The group has given us partitions.
    Assigned {
        /// How many we have now.
        assigned: usize,
        /// How many there are.
        total: usize,
    },
    /// One partition's reading begins.
    Position {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// The first offset.
        offset: i64,
        /// Who knew it: the group, the journal, the setting `start`; the partition was added; the broker
        /// has another log than was read.
        from: &'static str,
    },
    /// The journal goes on for a group whose positions were told with another one, or with more.
    Adopted {
        /// How it does not fit.
        text: &'a str,
    },
    /// A partition is not read though the broker has more of it.
    Stalled {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// Where reading stands.
        offset: i64,
        /// The offset after the broker's last message.
        end: i64,
        /// What the client said last, if anything.
        said: &'a str,
    },
    /// Every partition is read again.
    ReadingAgain,
    /// The reading client is exchanged for a fresh one.
    Renewed,
    /// The reading client cannot take a message.
    CannotRead {
        /// What it says.
        text: &'a str,
    },
    /// Of the last messages every one was refused.
    EverythingRefused {
        /// The last one's reason, by its code.
        reason: &'static str,
    },
    /// A message was not refused, after many that were.
    TakingAgain,
    /// Topics that are to be read do not exist.
    TopicMissing {
        /// Which.
        topics: &'a str,
    },
    /// There are partitions that nobody reads yet.
    PartitionsAdded {
        /// How many we read.
        assigned: usize,
        /// How many there are.
        total: usize,
    },
    /// The log behind a partition's name does not go on where it was left.
    Discontinued {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// Where it would have gone on.
        offset: i64,
        /// Where reading begins.
        begin: i64,
        /// How it broke.
        what: super::Break,
    },
    /// The group has taken partitions away.
    Revoked {
        /// How many.
        partitions: usize,
        /// Outputs that were not acknowledged in time; their inputs will be read again.
        unacknowledged: usize,
    },
    /// Some partitions are read by another instance.
    SharedGroup {
        /// How many we have.
        assigned: usize,
        /// How many there are.
        total: usize,
    },
    /// Too many outputs wait for the broker.
    Paused {
        /// How many.
        unacknowledged: usize,
    },
    /// They have gone down to half.
    Resumed,
    /// No broker answers.
    BrokerLost,
    /// A broker answers and there is no way in: who has to do what.
    BrokerRefuses {
        /// Which, as the client names it.
        broker: &'a str,
        /// What to do.
        advice: &'static str,
    },
    /// One does again.
    BrokerBack,
    /// A commit of positions failed; a later one carries more.
    CommitFailed {
        /// The client's word for it.
        code: &'a str,
    },
    /// A transaction was given up; its inputs are taken again.
    Rewound {
        /// The client's word for why.
        code: &'a str,
    },
    /// The journal's disk is full, and the service waits for room.
    DiskFull {
        /// What the journal says.
        text: &'a str,
    },
    /// The journal's disk is slow, and answers wait for it.
    DiskSlow,
    /// The disk has room again, or is fast again.
    DiskBack,
    /// A segment was old, and nobody needed it.
    SegmentDeleted {
        /// Its file.
        file: &'a dyn std::fmt::Display,
    },
    /// The journal's end was no whole record.
    JournalCut {
        /// How much, and where.
        cut: &'a dyn std::fmt::Display,
    },
    /// Work behind the journal failed and is tried again.
    JournalLags {
        /// What it says.
        fault: &'a dyn std::fmt::Display,
    },
    /// The Kafka client says something.
    Client {
        /// Whether it is bad.
        is_warning: bool,
        /// What.
        text: &'a str,
    },
    /// A changed table is in use.
    TableLoaded {
        /// Which.
        table: &'static str,
    },
    /// A changed table is broken, and the old one stays in use.
    TableKept {
        /// Which.
        table: &'static str,
        /// Why.
        fault: &'a dyn std::fmt::Display,
    },
    /// The service cannot go on.
    Failed {
        /// Why.
        text: &'a str,
    },
    /// A thread panicked; what it said is not repeated, since it may hold a value.
    Panicked {
        /// The thread.
        thread: &'a str,
        /// File and line.
        place: &'a str,
    },
}

/// Writes an event to the log.
#[rustfmt::skip] // one line per event reads as a table
pub fn emit(event: &LogEvent<'_>) {
    use tracing::{debug, error, info, warn};
    match event {
        LogEvent::Started { version, bundle, next_seq } => info!(version, bundle, next_seq, "started"),
        LogEvent::Changed { what, about, by, seq } => info!(what, about, by, seq, "changed by a person"),
        LogEvent::Recovered { restored, inputs, ms } => info!(restored, inputs, ms, "state is back"),
        LogEvent::SnapshotPassedOver { file, fault } => warn!(%file, %fault, "snapshot passed over"),
        LogEvent::SnapshotTaken { next_seq, bytes, ms } => info!(next_seq, bytes, ms, "snapshot taken"),
        LogEvent::GuardTripped { about, measure, rules, found, limit } => warn!(about, measure, rules, found, limit, "a guard has changed what rules do"),
        LogEvent::SnapshotFailed { text } => warn!("no snapshot was taken, the ones before stay: {text}"),
        LogEvent::Listening { address } => info!(%address, "metrics and health are served"),
        LogEvent::Stopping { signal } => info!(signal, "stopping"),
        LogEvent::Stopped => info!("stopped: everything is acknowledged and committed"),
        LogEvent::Assigned { assigned, total } => info!(assigned, total, "partitions assigned"),
        LogEvent::Position { topic, partition, offset, from } => info!(topic, partition, offset, from, "reading begins"),
        LogEvent::Adopted { text } => warn!("adopted, as --adopt says: {text}"),
        LogEvent::Stalled { topic, partition, offset, end, said } => error!(topic, partition, offset, end, said, "a partition is not read though the broker has more of it"),
        LogEvent::ReadingAgain => info!("every partition is read again"),
        LogEvent::Renewed => warn!("a fresh client takes the place of one that stands still"),
        LogEvent::CannotRead { text } => error!("the Kafka client cannot read on: {text}"),
        LogEvent::EverythingRefused { reason } => error!(reason, "of the last hundred messages every one was refused"),
        LogEvent::TakingAgain => info!("messages are taken again"),
        LogEvent::TopicMissing { topics } => error!(topics, "the broker has no such topic"),
        LogEvent::PartitionsAdded { assigned, total } => warn!(assigned, total, "partitions were added and are not read yet"),
        LogEvent::Discontinued { topic, partition, offset, begin, what } => error!(topic, partition, offset, begin, what = what.name(), "{}", what.meaning()),
        LogEvent::Revoked { partitions, unacknowledged } => info!(partitions, unacknowledged, "partitions taken away"),
        LogEvent::SharedGroup { assigned, total } => error!(assigned, total, "another instance reads some partitions: stop one of the two"),
        LogEvent::Paused { unacknowledged } => warn!(unacknowledged, "reading pauses: the broker is slow to acknowledge"),
        LogEvent::Resumed => info!("reading resumes"),
        LogEvent::BrokerLost => error!("no broker answers; trying on"),
        LogEvent::BrokerRefuses { broker, advice } => error!(broker, "{advice}; trying on"),
        LogEvent::BrokerBack => info!("a broker answers again"),
        LogEvent::CommitFailed { code } => warn!(code, "positions not committed; a later commit carries more"),
        LogEvent::Rewound { code } => warn!(code, "transaction given up; its inputs are taken again"),
        LogEvent::DiskFull { text } => error!("{text}; reading pauses until there is room"),
        LogEvent::DiskSlow => warn!("the journal's disk is slow: answers wait for it"),
        LogEvent::DiskBack => info!("the journal's disk is well again"),
        LogEvent::SegmentDeleted { file } => info!(%file, "old segment deleted"),
        LogEvent::JournalCut { cut } => warn!("{cut}"),
        LogEvent::JournalLags { fault } => warn!("work behind the journal is tried again: {fault}"),
        LogEvent::Client { is_warning: true, text } => warn!(target: "librdkafka", "{text}"),
        LogEvent::Client { is_warning: false, text } => debug!(target: "librdkafka", "{text}"),
        LogEvent::TableLoaded { table } => info!(table, "table read again"),
        LogEvent::TableKept { table, fault } => warn!(table, %fault, "table is broken; the one before stays in use"),
        LogEvent::Failed { text } => error!("{text}"),
        LogEvent::Panicked { thread, place } => error!(thread, place, "panicked; what it said is not repeated"),
    }
}
