//! What this instance reads, and where it begins.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use crate::domain::{Seq, Source};
use crate::telemetry::{LogEvent, Unready, emit};

use super::changes::Told;
use super::contexts::Rebalance;
use super::continuity::{Extent, Position};
use super::ownership::{Misfit, Unfit, misfit};
use super::watch::{Wanted, members};
use super::{Edge, EdgeError, Handler, Start};

/// Where to begin with a partition, and who knew it; `None` where nobody does. A journal that does not fit
/// the group's positions and goes on all the same is asked first: it is the only truth. One that lacks its
/// end may lack all that it had of a partition. Where the group has forgotten, nobody can say whether the
/// outputs of the last messages left: these are read again from `unsent` on.
pub(super) fn begin_at(
    group: Option<(i64, Option<Misfit>)>,
    (journal, unsent): (Option<i64>, Option<i64>),
    start: Start,
) -> Option<(i64, &'static str)> {
    match (group, journal) {
        (Some((group, Some(_))), Some(journal)) => Some((group.min(journal), "journal")),
        (Some((_, Some(Misfit::Behind))), None) if start == Start::Earliest => None,
        (Some((group, _)), _) => Some((group, "group")),
        (None, Some(journal)) => Some((unsent.map_or(journal, |at| at.min(journal)), "journal")),
        (None, None) => None,
    }
}

/// Where a partition would go on, and who says so.
struct Begin {
    position: Position,
    from: &'static str,
}

/// Whether a commit was refused because the group is deciding anew: it will be refused as long as
/// nobody takes part.
fn has_moved_on(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
    let code = error.rdkafka_error_code();
    matches!(code, Some(IllegalGeneration | RebalanceInProgress | UnknownMemberId))
}

/// Whether the broker has no such group: it has lost its disk, and whoever stays a member of what is
/// not there is told so for ever.
fn is_forgotten(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::GroupIdNotFound)
}

/// Whether the broker has no such partition.
fn is_gone(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
    let code = error.rdkafka_error_code();
    matches!(code, Some(UnknownPartition | UnknownTopic | UnknownTopicOrPartition))
}

/// How long a first commit may be refused before a fresh client is tried.
const REFUSED: Duration = Duration::from_secs(30);
/// How long a partition that is assigned may not exist.
const GONE: Duration = Duration::from_secs(10);
/// How long one question to the broker may take before it is asked again.
const ASK: Duration = Duration::from_secs(5);
/// The same at a start, where what the clients say is listened to in between.
const LOOK: Duration = Duration::from_secs(1);

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
        let unacknowledged = self.let_go(partitions)?;
        self.set_assigned(&TopicPartitionList::new());
        // When the group has moved on meanwhile there is nothing left to give back.
        let _ = self.consumer.unassign();
        self.forget_pause();
        emit(&LogEvent::Revoked { partitions: partitions.count(), unacknowledged });
        self.telemetry.readiness.set(Unready::NoPartitions);
        self.telemetry.meters.partitions_assigned.set(0.0);
        Ok(())
    }

    /// Takes partitions and says where to begin with each.
    pub(super) fn assign(&mut self, partitions: TopicPartitionList) -> Result<(), EdgeError> {
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
        if !self.settings.adopt {
            // Somebody else may have gone on for the group meanwhile.
            self.judge_ownership(&committed)?;
        }
        let told = committed.elements();
        self.work.recall(told.iter().filter_map(|element| Told::parse(element.metadata())))?;
        let begins = self.begin_of(&committed)?;
        let proven = begins.map_or(Ok(None), |begins| self.proven(begins))?;
        let Some(begin) = proven else {
            // Nothing is read of what is not known; who has nothing left to give back has none.
            let _ = self.consumer.unassign();
            self.set_assigned(&TopicPartitionList::new());
            self.telemetry.readiness.set(Unready::NoPartitions);
            return Ok(());
        };
        // Fails when the group has moved on meanwhile: the next rebalance says how.
        if self.consumer.assign(&begin).is_err() || !self.commit_begin(&begin)? {
            return Ok(());
        }
        self.work.resume(&self.positions_of(&begin))?;
        self.forget_pause();
        self.set_assigned(&begin);
        self.compare_with_total(begin.count());
        Ok(())
    }

    /// Tells the group where reading begins, before anything is read.
    ///
    /// Else a crash before the first commit would leave a group without positions, and the journal
    /// knows only what was decided, not what was sent: outputs on their way would be lost.
    fn commit_begin(&self, begin: &TopicPartitionList) -> Result<bool, EdgeError> {
        let begin = self.commit_list(&self.positions_of(begin), self.work.told());
        let begun = Instant::now();
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
            if is_forgotten(&error) || begun.elapsed() >= REFUSED {
                // The broker knows nothing of us: a client that joins anew is known again.
                let _ = self.consumer.unassign();
                self.watched.want(Wanted::Renewal);
                return Ok(false);
            }
            // The client backs off by itself only for errors of the connection.
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(true)
    }

    /// Where to begin with each partition: where the group says; where the journal says when the
    /// group does not know, or when the journal has lost what the group believes done (the journal
    /// is the only truth); else where the setting says, and a partition that was added to a topic
    /// that we read with its first message. `None` when a stop came before an answer.
    fn begin_of(&self, committed: &TopicPartitionList) -> Result<Option<Vec<Begin>>, EdgeError> {
        let kept = self.work.handler.positions();
        let is_known = |name: &str| {
            let topic = self.topic_index(name);
            let has_offset = |element: &TopicPartitionListElem<'_>| {
                element.topic() == name && matches!(element.offset(), Offset::Offset(_))
            };
            kept.iter().any(|at| Some(at.topic) == topic)
                || committed.elements().iter().any(has_offset)
        };
        let mut begins = Vec::with_capacity(committed.count());
        for element in committed.elements() {
            let (name, partition) = (element.topic(), element.partition());
            let Some(topic) = self.topic_index(name) else { continue };
            let is_this = |at: &&Source| (at.topic, at.partition) == (topic, partition);
            let journal = kept.iter().find(is_this).map(|position| position.offset);
            let group = match element.offset() {
                Offset::Offset(offset) => Some((offset, self.misfit_of(&element))),
                _ => None,
            };
            let unsent = match (group, journal) {
                (None, Some(_)) => self.unsent_of(topic, partition)?,
                _ => None,
            };
            let (offset, from) = match begin_at(group, (journal, unsent), self.settings.start) {
                Some(begin) => begin,
                None => match self.extent_of(topic, partition)? {
                    None => return Ok(None),
                    Some((first, _)) if is_known(name) => (first, "added"),
                    Some((first, _)) if self.settings.start == Start::Earliest => (first, "start"),
                    Some((_, end)) => (end, "start"),
                },
            };
            begins.push(Begin { position: Position { topic, partition, offset, journal }, from });
        }
        Ok(Some(begins))
    }

    /// The first message of a partition whose outputs nobody can say were sent and that is still there.
    fn unsent_of(&self, topic: u16, partition: i32) -> Result<Option<i64>, EdgeError> {
        let is_this = |at: &Source| (at.topic, at.partition) == (topic, partition);
        let unsent = self.work.handler.perhaps_unsent()?.into_iter().find(is_this);
        let Some((first, _)) = self.extent_of(topic, partition)? else { return Ok(None) };
        Ok(unsent.map(|at| at.offset.max(first)))
    }

    /// The same after a look at what stands there.
    fn proven(&mut self, begins: Vec<Begin>) -> Result<Option<TopicPartitionList>, EdgeError> {
        let positions: Vec<Position> = begins.iter().map(|begin| begin.position).collect();
        let Some(offsets) = self.prove(&positions)? else { return Ok(None) };
        let mut proven = Vec::with_capacity(begins.len());
        for (Begin { position, from }, offset) in begins.into_iter().zip(offsets) {
            let Position { topic, partition, .. } = position;
            let name = self.settings.topics.get(usize::from(topic)).map_or("", String::as_str);
            let from = if offset == position.offset { from } else { "broker" };
            emit(&LogEvent::Position { topic: name, partition, offset, from });
            proven.push(Source { topic, partition, offset });
        }
        Ok(Some(self.list(&proven)))
    }

    /// Whether this journal may go on where the group says, asked before anybody notices that we are
    /// there: joining the group or beginning a transaction ends the process that may. `false` when a
    /// stop came before an answer.
    pub(super) fn check_ownership(&mut self) -> Result<bool, EdgeError> {
        while !self.is_stopping() {
            if let Ok(committed) = self.ask_group() {
                return self.judge_ownership(&committed).map(|()| true);
            }
            self.check_fatal()?;
            // Why not is said by the clients: to whoever listens.
            self.producer.poll(Duration::ZERO);
            if let Some(Err(error)) = self.consumer.poll(Duration::from_millis(100)) {
                self.judge(&error)?;
            }
        }
        Ok(false)
    }

    /// What the group knows of all partitions of our topics.
    fn ask_group(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for topic in &self.settings.topics {
            let metadata = self.consumer.fetch_metadata(Some(topic), LOOK)?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            for partition in partitions {
                list.add_partition(topic, partition.id());
            }
        }
        if list.count() == 0 {
            return Ok(list);
        }
        self.consumer.committed_offsets(list, LOOK)
    }

    fn judge_ownership(&self, committed: &TopicPartitionList) -> Result<(), EdgeError> {
        for element in committed.elements() {
            let Some(misfit) = self.misfit_of(&element) else { continue };
            let unfit = Unfit {
                misfit,
                group: self.settings.group.clone(),
                place: (element.topic().to_owned(), element.partition()),
                told: Told::parse(element.metadata()).map_or(Seq(0), |told| told.next),
                next: self.work.handler.next_seq(),
            };
            if !self.settings.adopt {
                return Err(EdgeError::Unfit(unfit));
            }
            emit(&LogEvent::Adopted { text: &unfit.to_string() });
            return Ok(());
        }
        Ok(())
    }

    /// How our journal does not fit what the group was told with a position.
    fn misfit_of(&self, element: &TopicPartitionListElem<'_>) -> Option<Misfit> {
        let (told, handler) = (Told::parse(element.metadata())?, &self.work.handler);
        misfit(&told, handler.journal(), handler.next_seq())
    }

    /// The first offset of a partition and the one after its last; `None` when a stop came first, or the
    /// partition does not exist.
    pub(super) fn extent_of(
        &self,
        topic: u16,
        partition: i32,
    ) -> Result<Option<Extent>, EdgeError> {
        let name = self.settings.topics.get(usize::from(topic)).map_or("", String::as_str);
        let begin = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(name, partition, ASK) {
                Ok(extent) => return Ok(Some(extent)),
                Err(_) if self.is_stopping() => return Ok(None),
                // It is not there any more, or not yet: the group decides anew.
                Err(error) if is_gone(&error) && begin.elapsed() >= GONE => {
                    self.watched.want(Wanted::Renewal);
                    return Ok(None);
                }
                Err(_) => {
                    self.check_fatal()?;
                    std::thread::sleep(Duration::from_millis(100));
                }
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
        if assigned >= total {
            readiness.clear(Unready::SharedGroup);
            readiness.clear(Unready::PartitionsAdded);
        } else if members(&self.consumer, &self.settings.group).is_ok_and(|members| members == 1) {
            // Added since the group decided: the watch sees to it.
            readiness.set(Unready::PartitionsAdded);
            emit(&LogEvent::PartitionsAdded { assigned, total });
        } else {
            readiness.set(Unready::SharedGroup);
            emit(&LogEvent::SharedGroup { assigned, total });
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

    pub(super) fn topic_index(&self, name: &str) -> Option<u16> {
        let place = self.settings.topics.iter().position(|topic| topic == name)?;
        u16::try_from(place).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is asked where to begin: the group, unless the journal does not fit it and goes on all the
    /// same. What such a journal lacks is decided again.
    #[test]
    fn where_a_partition_begins() {
        let (other, behind) = (Some(Misfit::Other), Some(Misfit::Behind));
        assert_eq!(begin_at(None, (Some(7), Some(3)), Start::Latest), Some((3, "journal")));
        assert_eq!(
            begin_at(Some((5, None)), (Some(7), Some(3)), Start::Latest),
            Some((5, "group"))
        );
        for (group, journal, start, expected) in [
            (None, None, Start::Earliest, None),
            (None, Some(7), Start::Earliest, Some((7, "journal"))),
            (Some((9, None)), Some(7), Start::Earliest, Some((9, "group"))),
            (Some((9, None)), None, Start::Earliest, Some((9, "group"))),
            (Some((9, behind)), Some(7), Start::Earliest, Some((7, "journal"))),
            (Some((9, behind)), Some(12), Start::Earliest, Some((9, "journal"))),
            (Some((9, behind)), None, Start::Earliest, None),
            (Some((9, behind)), None, Start::Latest, Some((9, "group"))),
            (Some((9, other)), Some(7), Start::Latest, Some((7, "journal"))),
            (Some((9, other)), None, Start::Earliest, Some((9, "group"))),
        ] {
            let found = begin_at(group, (journal, None), start);
            assert_eq!(found, expected, "{group:?} {journal:?} {start:?}");
        }
    }
}
