//! What the watch asks of the loop: a second look at our partitions, or a fresh client.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};

use crate::telemetry::{LogEvent, Unready, emit};

use super::contexts::ConsumerSide;
use super::edge::{client_config, reading_config};
use super::watch::{Wanted, Watch};
use super::{Edge, EdgeError, Handler};

impl<H: Handler> Edge<H> {
    /// Begins to ask beside the stream whether what the broker has is read.
    pub(super) fn start_watch(&self) -> Result<Watch, EdgeError> {
        let mut config = client_config(self.settings.consumer());
        config.remove("group.instance.id");
        config.set("statistics.interval.ms", "0");
        let (settings, statistics) = (&self.settings, Arc::clone(&self.statistics));
        Watch::start(
            config,
            (settings.topics.clone(), settings.group.clone()),
            (self.telemetry.clone(), statistics),
            Arc::clone(&self.watched),
        )
        .map_err(EdgeError::Thread)
    }

    /// Does what the watch asks for.
    pub(super) fn serve_watch(&mut self) -> Result<(), EdgeError> {
        if self.consumer.context().take_doubt() {
            self.watched.want(Wanted::Proof);
        }
        match self.watched.take_wanted() {
            Wanted::Nothing => Ok(()),
            Wanted::Proof => self.prove_again(),
            Wanted::Renewal => self.renew(),
        }
    }

    /// Begins again with the partitions that are ours, by what stands there now.
    fn prove_again(&mut self) -> Result<(), EdgeError> {
        if let Ok(ours) = self.consumer.assignment() {
            self.let_go(&ours)?;
        }
        self.begin_again()
    }

    /// Reads on with the partitions that are ours where the group was told.
    pub(super) fn begin_again(&mut self) -> Result<(), EdgeError> {
        let Ok(ours) = self.consumer.assignment() else { return Ok(()) };
        if ours.count() == 0 {
            return Ok(());
        }
        // Without offsets: these are what is in doubt.
        let mut partitions = TopicPartitionList::with_capacity(ours.count());
        for element in ours.elements() {
            partitions.add_partition(element.topic(), element.partition());
            if let Some(topic) = self.topic_index(element.topic()) {
                self.work.ledger.forget(topic, element.partition());
            }
        }
        self.assign(partitions)
    }

    /// Everything of theirs is acknowledged and committed as far as it goes, and forgotten.
    /// How many outputs are not acknowledged by then.
    pub(super) fn let_go(&mut self, partitions: &TopicPartitionList) -> Result<usize, EdgeError> {
        self.drain(Instant::now() + self.settings.stop_timeout)?;
        self.commit(CommitMode::Sync);
        let unacknowledged = self.work.ledger.unacknowledged();
        for element in partitions.elements() {
            if let Some(topic) = self.topic_index(element.topic()) {
                self.work.ledger.forget(topic, element.partition());
            }
        }
        Ok(unacknowledged)
    }

    /// A fresh client takes the place of one that stands still, and joins the group anew.
    fn renew(&mut self) -> Result<(), EdgeError> {
        emit(&LogEvent::Renewed);
        if let Ok(ours) = self.consumer.assignment() {
            self.let_go(&ours)?;
        }
        self.set_assigned(&TopicPartitionList::new());
        self.telemetry.readiness.set(Unready::NoPartitions);
        self.consumer.context().close();
        let side = ConsumerSide::new(self.telemetry.clone(), Arc::clone(&self.statistics));
        self.renewals += 1;
        let config = reading_config(&self.settings, self.renewals);
        let fresh =
            BaseConsumer::from_config_and_context(&config, side).map_err(EdgeError::Client)?;
        drop(std::mem::replace(&mut self.consumer, fresh));
        self.forget_pause();
        self.subscribe()
    }

    /// Joins the group.
    pub(super) fn subscribe(&self) -> Result<(), EdgeError> {
        let topics: Vec<&str> = self.settings.topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&topics).map_err(EdgeError::Client)
    }

    /// These are read from now on.
    pub(super) fn set_assigned(&self, partitions: &TopicPartitionList) {
        self.statistics.forget(&self.telemetry);
        let elements = partitions.elements();
        let names = elements.iter().map(|at| (at.topic().to_owned(), at.partition()));
        self.watched.set_assigned(names.collect());
    }
}
