//! The client: generated lines into the payments topic, at a steady rate, with their truth noted.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::edges::kafka::Settings;
use crate::generator::Generator;

use super::tally::Tally;

/// Sends every line of the generator.
pub(super) fn start(
    kafka: &Settings,
    generator: Generator,
    rate: u32,
    tally: Arc<Mutex<Tally>>,
) -> Result<JoinHandle<Result<(), String>>, String> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka.brokers.join(","))
        .set("linger.ms", "1")
        .create()
        .map_err(|error| error.to_string())?;
    let topic = kafka.topics[0].clone();
    Ok(thread::spawn(move || {
        let outcome = send(&producer, &topic, generator, rate, &tally);
        tally.lock().unwrap_or_else(PoisonError::into_inner).sent_all();
        outcome
    }))
}

fn send(
    producer: &BaseProducer,
    topic: &str,
    mut generator: Generator,
    rate: u32,
    tally: &Mutex<Tally>,
) -> Result<(), String> {
    let (started, mut line, mut sent) = (Instant::now(), Vec::new(), 0_u64);
    while let Some(truth) = generator.next_into(&mut line) {
        let due = Duration::from_secs_f64(sent as f64 / f64::from(rate));
        if let Some(early) = due.checked_sub(started.elapsed()) {
            producer.poll(Duration::ZERO);
            thread::sleep(early);
        }
        tally.lock().unwrap_or_else(PoisonError::into_inner).sent(&truth);
        loop {
            match producer.send(BaseRecord::<(), [u8]>::to(topic).payload(&line)) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error.to_string()),
            }
        }
        producer.poll(Duration::ZERO);
        sent += 1;
    }
    producer.flush(Duration::from_secs(10)).map_err(|error| error.to_string())
}
