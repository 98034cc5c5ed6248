//! What the group is told: positions of which everything before is done.

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::domain::Source;

use super::changes::Told;
use super::{Edge, Handler};

impl<H: Handler> Edge<H> {
    /// Tells the group which messages are done.
    pub(super) fn commit(&mut self, mode: CommitMode) {
        if self.settings.transactional_id.is_some() {
            return;
        }
        if self.consumer.context().take_commit_failed() {
            self.work.ledger.doubt_commits();
        }
        let done = self.work.ledger.commits();
        if done.is_empty() {
            return;
        }
        if let Err(error) = self.consumer.commit(&self.commit_list(&done, self.work.told()), mode) {
            self.work.ledger.doubt_commits();
            self.consumer.context().note_commit_failure(&error.to_string());
        }
    }

    /// Positions in the client's form, to be committed: each says which number comes next, so that
    /// a later start sees whether the journal still has what the group believes done, and which
    /// changes are out.
    pub(super) fn commit_list(&self, positions: &[Source], told: Told) -> TopicPartitionList {
        let list = self.list(positions);
        let told = told.to_string();
        // The list's own order and topics: what it has can be found in it.
        for (topic, partition) in list.to_topic_map().into_keys() {
            if let Some(mut element) = list.find_partition(&topic, partition) {
                element.set_metadata(&told);
            }
        }
        list
    }

    /// Positions in the client's form.
    pub(super) fn list(&self, positions: &[Source]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for position in positions {
            if let Some(topic) = self.settings.topics.get(usize::from(position.topic)) {
                // Fails only for an offset that the client cannot express; ours were messages'.
                let _ = list.add_partition_offset(
                    topic,
                    position.partition,
                    Offset::Offset(position.offset),
                );
            }
        }
        list
    }
}
