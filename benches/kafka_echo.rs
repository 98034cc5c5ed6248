//! The yardstick for every Kafka figure: a subject that does nothing but burn a fixed time.
//!
//! It consumes an event of about 942 bytes, burns T microseconds where an engine would work, and
//! produces a decision of 400 bytes and an audit record of 900. What Tidegate reaches is compared
//! with this echo in the same run, on the same cores and broker: `--subject tidegate` starts a service
//! on topics of its own and puts generated payments through it. `--subject external` drives a service
//! that runs already, through its topics.
#![allow(clippy::print_stdout, reason = "the figures are this program's result")]

#[allow(unreachable_pub, reason = "no crate is outside a bench: `pub` marks a module's face")]
mod kafka_load;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand, ValueEnum};
use rdkafka::Message;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::BaseRecord;

use kafka_load::clients::{Cluster, LoadProducer, finish};
use kafka_load::measure::Load;
use kafka_load::reader::Answers;
use kafka_load::service::{Service, World};
use kafka_load::{Failure, RunId};

const DECISION_BYTES: usize = 400;
const AUDIT_BYTES: usize = 900;
const PARTITIONS: i32 = 4;
/// Of a generated world; they come again, each with a new id and time.
const GENERATED_EVENTS: u64 = 300_000;

/// Kafka to Kafka: the bare echo, or a running Tidegate under the same load.
#[derive(Parser)]
#[command(name = "kafka_echo")]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    common: Common,
    /// Given by cargo to every bench.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Args, Clone)]
struct Common {
    /// The broker, HOST:PORT; else the variable TIDEGATE_TEST_KAFKA.
    #[arg(long, global = true)]
    bootstrap: Option<String>,
    /// Seconds measured, after three of warm-up.
    #[arg(long, global = true, default_value_t = 20)]
    seconds: u64,
    /// What turns events into decisions; echo and tidegate, one after the other, unless told.
    #[arg(long, global = true, value_enum)]
    subject: Option<Subject>,
    /// With an external subject: where it reads.
    #[arg(long, global = true, default_value = "tidegate.payments")]
    events_topic: String,
    /// With an external subject: where it answers.
    #[arg(long, global = true, default_value = "tidegate.decisions")]
    decisions_topic: String,
    /// Events as JSON lines, each with "event_id" and "occurred_at", which are rewritten.
    #[arg(long, global = true)]
    payloads: Option<PathBuf>,
    /// One JSON object per figure instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Subject {
    Echo,
    Tidegate,
    External,
}

#[derive(Clone, Copy, Subcommand)]
enum What {
    /// As many events a second as the subject decides.
    Throughput {
        /// Microseconds that the echo burns per event.
        #[arg(long, default_value_t = 10)]
        burn: u64,
        /// Milliseconds that producers wait for a batch.
        #[arg(long, default_value_t = 5)]
        linger: u32,
    },
    /// Milliseconds from the intended send time to the decision, open loop.
    Latency {
        /// Events a second.
        #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
        rate: u32,
        #[arg(long, default_value_t = 10)]
        burn: u64,
        #[arg(long, default_value_t = 1)]
        linger: u32,
    },
}

/// What `./dev bench kafka` runs.
const TABLE: [(Subject, What); 6] = [
    (Subject::Echo, What::Throughput { burn: 0, linger: 5 }),
    (Subject::Echo, What::Throughput { burn: 10, linger: 5 }),
    (Subject::Echo, What::Throughput { burn: 20, linger: 5 }),
    (Subject::Tidegate, What::Throughput { burn: 0, linger: 5 }),
    (Subject::Echo, What::Latency { rate: 15_000, burn: 10, linger: 1 }),
    (Subject::Tidegate, What::Latency { rate: 15_000, burn: 0, linger: 1 }),
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure_all(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(3)
        }
    }
}

fn measure_all(arguments: &Arguments) -> Result<(), Failure> {
    let common = &arguments.common;
    let bootstrap = common
        .bootstrap
        .clone()
        .or_else(|| std::env::var("TIDEGATE_TEST_KAFKA").ok())
        .ok_or("no broker: give --bootstrap HOST:PORT, or run ./dev bench kafka")?;
    let cluster = Cluster::at(bootstrap);
    match arguments.what {
        Some(what) => measure(&cluster, common, common.subject.unwrap_or(Subject::Echo), what),
        None => TABLE
            .into_iter()
            .filter(|(subject, _)| common.subject.is_none_or(|wanted| wanted == *subject))
            .try_for_each(|(subject, what)| measure(&cluster, common, subject, what)),
    }
}

/// One figure, on topics of its own unless the subject is external.
fn measure(
    cluster: &Cluster,
    common: &Common,
    subject: Subject,
    what: What,
) -> Result<(), Failure> {
    let run = RunId::fresh();
    let (linger_ms, burn) = match what {
        What::Throughput { burn, linger } | What::Latency { burn, linger, .. } => (linger, burn),
    };
    let mut load = Load {
        cluster: cluster.clone(),
        run,
        events_topic: common.events_topic.clone(),
        decisions_topic: common.decisions_topic.clone(),
        payloads: common.payloads.clone(),
        linger_ms,
        duration: Duration::from_secs(common.seconds),
    };
    if subject == Subject::External {
        return run_load(&load, common, what, "external");
    }
    load.events_topic = run.topic("events");
    load.decisions_topic = run.topic("decisions");
    let audit_topic = run.topic("audit");
    let dead = run.topic("dead");
    let topics = [load.events_topic.as_str(), load.decisions_topic.as_str(), &audit_topic, &dead];
    cluster.create_topics(&topics, PARTITIONS)?;
    if subject == Subject::Tidegate {
        let world = World::generate(GENERATED_EVENTS)?;
        let payloads = common.payloads.clone().or_else(|| Some(world.payloads().to_owned()));
        let others = [("audit", audit_topic.as_str()), ("dead_letter", dead.as_str())];
        let service = Service::start(cluster, &load, &others, &world)?;
        let load = Load { payloads, ..load.clone() };
        let measured = run_load(&load, common, what, "tidegate");
        drop(service);
        cluster.delete_topics(&topics)?;
        return measured;
    }
    let stop = AtomicBool::new(false);
    let echo = Echo { load: &load, audit_topic: &audit_topic, burn: Duration::from_micros(burn) };
    let measured = thread::scope(|scope| {
        let echoing = scope.spawn(|| echo.run(&stop));
        let measured = run_load(&load, common, what, &format!("echo, {burn:>2} µs"));
        stop.store(true, Ordering::Relaxed);
        let echoed = echoing.join().unwrap_or_else(|_| Err("the echo panicked".into()));
        echoed.and(measured)
    });
    cluster.delete_topics(&topics)?;
    measured
}

fn run_load(load: &Load, common: &Common, what: What, name: &str) -> Result<(), Failure> {
    match what {
        What::Throughput { .. } => {
            let measured = load.throughput()?;
            report(common, name, Some(measured.events_per_second), None, &measured.answers);
        }
        What::Latency { rate, .. } => {
            let answers = load.latency(rate)?;
            report(common, name, None, Some(rate), &answers);
        }
    }
    Ok(())
}

fn report(
    common: &Common,
    name: &str,
    per_second: Option<f64>,
    rate: Option<u32>,
    answers: &Answers,
) {
    let at = |quantile: f64| answers.latency_us.value_at_quantile(quantile);
    let latency = rate.map(|rate| {
        serde_json::json!({
            "rate": rate, "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
            "max": answers.latency_us.max(), "count": answers.latency_us.len(),
        })
    });
    if common.json {
        let figure = serde_json::json!({
            "subject": name, "events_per_second": per_second.map(f64::round), "latency_us": latency,
            "missing": answers.missing, "repeated": answers.repeated, "foreign": answers.foreign,
        });
        println!("{figure}");
        return;
    }
    let figure = match (per_second, rate) {
        (Some(per_second), _) => format!("{per_second:>9.0} events/s"),
        (None, Some(rate)) => {
            let ms = |quantile| at(quantile) as f64 / 1_000.0;
            let (p50, p99, p999) = (ms(0.5), ms(0.99), ms(0.999));
            format!("at {rate}/s: p50 {p50:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms")
        }
        (None, None) => String::new(),
    };
    let Answers { missing, repeated, foreign, .. } = answers;
    println!("{name:<12} | {figure} | {missing} missing, {repeated} repeated, {foreign} foreign");
}

/// The subject that does nothing.
struct Echo<'a> {
    load: &'a Load,
    audit_topic: &'a str,
    burn: Duration,
}

impl Echo<'_> {
    fn run(&self, stop: &AtomicBool) -> Result<(), Failure> {
        let from = [0; PARTITIONS as usize];
        let consumer = self.load.cluster.consumer(&self.load.events_topic, &from)?;
        let producer = self.load.cluster.producer(self.load.linger_ms)?;
        let mut until_poll = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            let Some(message) = consumer.poll(Duration::from_millis(20)) else {
                producer.poll(Duration::ZERO);
                continue;
            };
            let message = message?;
            let event = message.payload().unwrap_or_default();
            let key = message.key().unwrap_or_default();
            let begun = Instant::now();
            while begun.elapsed() < self.burn {
                std::hint::spin_loop();
            }
            let decision = &event[..event.len().min(DECISION_BYTES)];
            let audit = &event[..event.len().min(AUDIT_BYTES)];
            emit(&producer, &self.load.decisions_topic, key, decision)?;
            emit(&producer, self.audit_topic, key, audit)?;
            until_poll += 1;
            if until_poll == 256 {
                producer.poll(Duration::ZERO);
                until_poll = 0;
            }
        }
        finish(&producer)
    }
}

/// Queues one message, waiting for room when the broker is slower than we are.
fn emit(producer: &LoadProducer, topic: &str, key: &[u8], payload: &[u8]) -> Result<(), Failure> {
    loop {
        match producer.send(BaseRecord::to(topic).key(key).payload(payload)) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(1));
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
