//! The gateway's side: masked decisions and dead letters, as they leave the engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use crate::edges::kafka::Settings;

use super::tally::Tally;

/// Reads both topics until told to stop.
pub(super) fn start(
    kafka: &Settings,
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
) -> Result<JoinHandle<()>, String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.brokers.join(","))
        .set("group.id", "demo-gateway")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "20")
        .create()
        .map_err(|error| error.to_string())?;
    let decisions = kafka.outputs.decisions.clone();
    let dead_letters = kafka.outputs.dead_letters.clone();
    // Assigned, not subscribed: one reader needs no group, and no rebalance to wait for.
    let mut partitions = TopicPartitionList::new();
    for topic in [&decisions, &dead_letters] {
        partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .map_err(|error| error.to_string())?;
    }
    consumer.assign(&partitions).map_err(|error| error.to_string())?;
    Ok(thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            // Errors of the mock cluster heal by themselves; what stays away shows in the summary.
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) else { continue };
            let payload = message.payload().unwrap_or_default();
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            if message.topic() == decisions {
                tally.decided(payload);
            } else {
                tally.dead_letter(payload);
            }
        }
    }))
}
