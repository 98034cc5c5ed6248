//! What this instance reads, and where it begins.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use crate::domain::{Seq, Source};
use crate::telemetry::{LogEvent, Unready, emit};

use super::changes::Told;
use super::contexts::Rebalance;
use super::{Edge, EdgeError, Handler, Start};

/// Where to begin with a partition, and who knew it. The group was told which number came `next_then`.
pub(super) fn begin_at(
    group: Option<(i64, Seq)>,
    journal: Option<i64>,
    next: Seq,
) -> Option<(i64, &'static str)> {
    match (group, journal) {
        (Some((group, next_then)), Some(journal)) if next_then > next => {
            Some((group.min(journal), "journal"))
        }
        (Some((group, _)), _) => Some((group, "group")),
        (None, Some(journal)) => Some((journal, "journal")),
        (None, None) => None,
    }
}

/// Whether a commit was refused because the group is deciding anew: it will be refused as long as
/// nobody takes part.
fn has_moved_on(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
    let code = error.rdkafka_error_code();
    matches!(code, Some(IllegalGeneration | RebalanceInProgress | UnknownMemberId))
}

/// How long one question to the broker may take before it is asked again.
const ASK: Duration = Duration::from_secs(5);

impl<H: Handler> Edge<H> {
    /// Acts on what the group has decided since the last round.
    pub(super) fn serve_rebalances(&mut self) -> Result<(), EdgeError> {
        if !self.consumer.context().has_rebalance() {
            return Ok(());
        }
        for rebalance in self.consumer.context().take_rebalances() {
            match rebalance {
                Rebalance::Assign(partitions) => self.assign(partitions)?,
                Rebalance::Revoke(partitions) => self.revoke(&partitions)?,
            }
        }
        Ok(())
    }

    /// Gives partitions back: first everything of theirs is acknowledged and committed.
    fn revoke(&mut self, partitions: &TopicPartitionList) -> Result<(), EdgeError> {
        self.drain(Instant::now() + self.settings.stop_timeout)?;
        self.commit(CommitMode::Sync);
        let unacknowledged = self.work.ledger.unacknowledged();
        for element in partitions.elements() {
            if let Some(topic) = self.topic_index(element.topic()) {
                self.work.ledger.forget(topic, element.partition());
            }
        }
        // When the group has moved on meanwhile there is nothing left to give back.
        let _ = self.consumer.unassign();
        self.forget_pause();
        emit(&LogEvent::Revoked { partitions: partitions.count(), unacknowledged });
        self.telemetry.readiness.set(Unready::NoPartitions);
        self.telemetry.meters.partitions_assigned.set(0.0);
        Ok(())
    }

    /// Takes partitions and says where to begin with each.
    fn assign(&mut self, partitions: TopicPartitionList) -> Result<(), EdgeError> {
        let mut committed = partitions.clone();
        // Without the group's word we would begin at the wrong place: ask until it answers.
        loop {
            match self.consumer.committed_offsets(committed, ASK) {
                Ok(answer) => {
                    committed = answer;
                    break;
                }
                Err(_) if self.is_stopping() => return Ok(()),
                Err(_) => {
                    self.check_fatal()?;
                    committed = partitions.clone();
                }
            }
        }
        let told = committed.elements();
        self.work.recall(told.iter().filter_map(|element| Told::parse(element.metadata())))?;
        let Some(begin) = self.begin_of(&committed)? else { return Ok(()) };
        // Fails when the group has moved on meanwhile: the next rebalance says how.
        if self.consumer.assign(&begin).is_err() || !self.commit_begin(&begin)? {
            return Ok(());
        }
        self.work.handler.resume(&self.positions_of(&begin))?;
        self.forget_pause();
        self.compare_with_total(begin.count());
        Ok(())
    }

    /// Tells the group where reading begins, before anything is read.
    ///
    /// Else a crash before the first commit would leave a group without positions, and the journal
    /// knows only what was decided, not what was sent: outputs on their way would be lost.
    fn commit_begin(&self, begin: &TopicPartitionList) -> Result<bool, EdgeError> {
        let begin = self.commit_list(&self.positions_of(begin), self.work.told());
        while let Err(error) = self.consumer.commit(&begin, CommitMode::Sync) {
            self.check_fatal()?;
            if self.is_stopping() {
                return Ok(false);
            }
            if self.consumer.assignment_lost() || has_moved_on(&error) {
                // Nothing may be read under an assignment that has not begun. What the group decides
                // next comes by polling, so waiting here would be waiting for ever.
                let _ = self.consumer.unassign();
                return Ok(false);
            }
            // The client backs off by itself only for errors of the connection.
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(true)
    }

    /// Where to begin with each partition: where the group says; where the journal says when the
    /// group does not know, or when the journal has lost what the group believes done (the journal
    /// is the only truth); else where the setting says. `None` when a stop came before an answer.
    fn begin_of(
        &self,
        committed: &TopicPartitionList,
    ) -> Result<Option<TopicPartitionList>, EdgeError> {
        let kept = self.work.handler.positions();
        let mut begin = TopicPartitionList::with_capacity(committed.count());
        for element in committed.elements() {
            let (name, partition) = (element.topic(), element.partition());
            let is_this = |position: &&Source| {
                self.topic_index(name) == Some(position.topic) && position.partition == partition
            };
            let journal = kept.iter().find(is_this).map(|position| position.offset);
            let group = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            let next_then = Told::parse(element.metadata()).map_or(Seq(0), |told| told.next);
            let group = group.map(|offset| (offset, next_then));
            let (offset, from) = match begin_at(group, journal, self.work.handler.next_seq()) {
                Some(begin) => begin,
                None => match self.edge_of(name, partition)? {
                    Some(offset) => (offset, "start"),
                    None => return Ok(None),
                },
            };
            emit(&LogEvent::Position { topic: name, partition, offset, from });
            // Fails only for an offset that the client cannot express; ours were messages'.
            let _ = begin.add_partition_offset(name, partition, Offset::Offset(offset));
        }
        Ok(Some(begin))
    }

    /// The first or the next offset of a partition, as the setting says.
    fn edge_of(&self, topic: &str, partition: i32) -> Result<Option<i64>, EdgeError> {
        loop {
            match self.consumer.fetch_watermarks(topic, partition, ASK) {
                Ok((first, next)) => {
                    let is_first = self.settings.start == Start::Earliest;
                    return Ok(Some(if is_first { first } else { next }));
                }
                Err(_) if self.is_stopping() => return Ok(None),
                Err(_) => self.check_fatal()?,
            }
        }
    }

    /// Windows must see every payment of their entity: some partitions are not enough.
    fn compare_with_total(&self, assigned: usize) {
        let mut total = 0;
        for topic in &self.settings.topics {
            if let Ok(metadata) = self.consumer.fetch_metadata(Some(topic), ASK) {
                total +=
                    metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
            }
        }
        emit(&LogEvent::Assigned { assigned, total });
        let (readiness, meters) = (&self.telemetry.readiness, &self.telemetry.meters);
        meters.partitions_assigned.set(assigned as f64);
        meters.partitions_total.set(total as f64);
        if assigned == 0 {
            readiness.set(Unready::NoPartitions);
        } else {
            readiness.clear(Unready::NoPartitions);
        }
        if assigned < total {
            readiness.set(Unready::SharedGroup);
            emit(&LogEvent::SharedGroup { assigned, total });
        } else {
            readiness.clear(Unready::SharedGroup);
        }
    }

    fn positions_of(&self, list: &TopicPartitionList) -> Vec<Source> {
        let position = |element: &TopicPartitionListElem<'_>| {
            let Offset::Offset(offset) = element.offset() else { return None };
            let topic = self.topic_index(element.topic())?;
            Some(Source { topic, partition: element.partition(), offset })
        };
        list.elements().iter().filter_map(position).collect()
    }

    fn topic_index(&self, name: &str) -> Option<u16> {
        let place = self.settings.topics.iter().position(|topic| topic == name)?;
        u16::try_from(place).ok()
    }
}
