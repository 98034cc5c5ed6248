//! `tidegate demo`: the main job in one process, on a Kafka cluster inside it, with planted fraud.
//!
//! ```text
//!  generator ─▶ producer ─▶ (mock cluster) ─▶ the engine's edge ─▶ (mock cluster) ─▶ reader ─▶ view
//!       └─ truth ──────────────────────────────────────────────────────────────────────┘
//! ```

mod sender;
mod reader;
mod tally;
mod view;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;

use crate::bundle::{Bundle, shipped_files};
use crate::config::Config;
use crate::edges::kafka::{Decider, Edge};
use crate::edges::keys::Keys;
use crate::edges::tables::{TablePaths, TableStore};
use crate::engine::{EngineLimits, Pace};
use crate::generator::{Generator, Settings};
use crate::journal::Durability;
use crate::stages::mask::Profile;

use super::assemble::{Assembly, assemble, now};
use tally::Tally;

/// Watch Tidegate decide: generated payments with planted fraud, through a Kafka cluster inside
/// this process, live on the terminal; a summary says what was planted and what was caught.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate demo --events 50000 --rate 4000 --seed 7")]
pub struct Args {
    /// Messages to generate: payments, outcomes, labels, copies and malformed lines
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(1..=500_000))]
    events: u64,
    /// Messages to send per second
    #[arg(long, default_value_t = 2_500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// The same seed gives the same people, payments and frauds
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The summary as one JSON document on standard output, no live view
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> ExitCode {
    match demo(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tidegate demo: {message}");
            ExitCode::from(3)
        }
    }
}

/// Messages of event time per second: the stream spans hours, however fast it is sent.
const EVENT_RATE_PER_S: f64 = 1.0;
/// The stream ends this long before now by its average rate. The rate follows the hour of the day, so
/// that a stretch of night takes longer; half a day more or less leaves nothing in the future, and
/// the longest stream within the horizon.
const MARGIN_MS: i64 = 12 * 3_600_000;

fn settings(args: &Args) -> Settings {
    let span_ms = (args.events as f64 / EVENT_RATE_PER_S * 1_000.0) as i64;
    Settings {
        seed: args.seed,
        events: args.events,
        customers: 20_000,
        merchants: 2_000,
        terminals: 3_000,
        rate_per_s: EVENT_RATE_PER_S,
        start_ms: now().as_ms() - span_ms - MARGIN_MS,
        fraud_share: 0.02,
        ..Settings::default()
    }
}

fn demo(args: &Args) -> Result<(), String> {
    let fail = |what: &'static str| move |error: &dyn std::fmt::Display| format!("{what}: {error}");
    let dir = PrivateDir::new().map_err(|error| fail("a directory for the journal")(&error))?;
    let cluster = MockCluster::new(1).map_err(|error| fail("the mock cluster")(&error))?;
    let kafka = kafka_settings(&cluster)?;
    let generator = Generator::new(settings(args));
    super::generate::write_tables(generator.world(), &dir.path.join("tables"))
        .map_err(|error| error.to_string())?;

    let telemetry = super::run::telemetry_of_the_service();
    let stop = Arc::new(AtomicBool::new(false));
    let handler = decider(&dir)?;
    let edge = Edge::open(kafka.clone(), handler, telemetry.clone(), Arc::clone(&stop))
        .map_err(|error| error.to_string())?;
    let engine = thread::spawn(move || edge.run().map(drop).map_err(|error| error.to_string()));

    let tally = Arc::new(Mutex::new(Tally::new(args.events)));
    // The group's first rebalance takes the cluster some seconds: nothing is sent before it.
    let patience = Instant::now();
    while !telemetry.readiness.is_ready() && patience.elapsed() < Duration::from_secs(15) {
        thread::sleep(Duration::from_millis(50));
    }
    let sending = sender::start(&kafka, generator, args.rate, Arc::clone(&tally))?;
    let reading = reader::start(&kafka, Arc::clone(&tally), Arc::clone(&stop))?;
    let started = Instant::now();
    let live = !args.json && std::io::stderr().is_terminal();
    watch(&tally, &engine, started, live);
    stop.store(true, Ordering::Relaxed);
    sending.join().map_err(|_| "the sender panicked".to_owned())??;
    reading.join().map_err(|_| "the reader panicked".to_owned())?;
    engine.join().map_err(|_| "the engine panicked".to_owned())??;
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    if args.json {
        view::print_json(&tally.summary(started.elapsed()));
    } else {
        view::print_summary(&tally.summary(started.elapsed()));
    }
    Ok(())
}

/// Redraws until every message has been answered, or the engine ends, or nothing moves any more.
fn watch(
    tally: &Mutex<Tally>,
    engine: &thread::JoinHandle<Result<(), String>>,
    started: Instant,
    live: bool,
) {
    let mut view = view::View::new(live);
    let (mut last_moved, mut last_answers) = (Instant::now(), 0);
    loop {
        thread::sleep(Duration::from_millis(200));
        let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        view.draw(&tally, started.elapsed());
        if tally.answered() != last_answers {
            (last_moved, last_answers) = (Instant::now(), tally.answered());
        }
        let is_quiet = tally.is_sent() && last_moved.elapsed() > Duration::from_secs(20);
        if tally.is_complete() || is_quiet || engine.is_finished() {
            view.clear();
            return;
        }
    }
}

/// The service's own settings, with the brokers of the cluster inside this process.
fn kafka_settings(
    cluster: &MockCluster<'_, rdkafka::producer::DefaultProducerContext>,
) -> Result<crate::edges::kafka::Settings, String> {
    let config = Config::parse(std::path::Path::new("(demo)"), "")
        .map_err(|faults| format!("the shipped defaults: {faults}"))?;
    let mut kafka = config.kafka;
    kafka.brokers = vec![cluster.bootstrap_servers()];
    let topics = [&kafka.topics[0], &kafka.outputs.decisions, &kafka.outputs.dead_letters];
    for topic in topics.into_iter().chain(&kafka.outputs.audit) {
        // One partition: the stream's order is the order of arrival.
        cluster.create_topic(topic, 1, 1).map_err(|error| format!("topic {topic}: {error}"))?;
    }
    Ok(kafka)
}

fn decider(dir: &PrivateDir) -> Result<Decider<crate::edges::machine::Machine>, String> {
    let files = shipped_files();
    let bundle = Arc::new(Bundle::shipped());
    let keys = Keys::demo();
    let token_keys = Arc::new(keys.token_keys());
    let paths = TablePaths::in_dir(&dir.path.join("tables"));
    let tables = TableStore::load(&paths, token_keys)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let journal = dir.path.join("journal");
    let assembly = Assembly {
        bundle,
        bundle_files: &files,
        keys: &keys,
        journal: Some((journal.clone(), 64 << 20, Durability::Written)),
        door: crate::stages::decode::Door::default(),
        times: crate::stages::decode::TimeLimits::default(),
        limits: EngineLimits { recent_events: 500_000, ..EngineLimits::default() },
        profile: Profile::shipped("default").expect("the default profile is shipped"),
        // Whatever else this machine does meanwhile, the demo shows what the rules say.
        pace: Pace::Measured,
    };
    let (pipeline, recovered) = assemble(assembly).map_err(|error| error.to_string())?;
    let begin: Vec<_> = recovered.next_offsets().collect();
    Ok(Decider::new(pipeline, Arc::new(tables), keys.token_keys(), (journal, begin), 100_000))
}

/// A directory that only this user may enter and that goes with the demo.
struct PrivateDir {
    path: std::path::PathBuf,
}

impl PrivateDir {
    fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("tidegate-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // What cannot be removed holds tokens and sealed events only, under a private directory.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
