//! What it costs the stream that a bundle with other windows is put in force.
//!
//! ```text
//! cargo bench --bench activation -- [--cards N] [--events N] [--warm N] [--customers N] [--every N]
//! ```
//!
//! First the worst that one event can meet: a million cards, and merchants, terminals and addresses
//! whose rings of 4,096 are full; the exchange of the plans, and the first event of each of these keys
//! after it, which carries three full rings over. Then the whole pipeline under a load of generated
//! events (open loop, a quarter of full speed, since a neighbour takes half of it) while another thread
//! prepares one bundle after the other, each with other windows of every kind, and before and after that
//! without one, since the machine drifts. A machine's own pauses are longer than what an activation
//! adds, so the events around each one are shown by themselves.

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]

mod subject;

/// What the program itself runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tidegate::bundle::{Bundle, shipped_files};
use tidegate::domain::{
    Activation, Control, EntityKind, EventTime, Fact, FeatureVector, Ground, Input, Proposal, Seq,
    Stage, Token,
};
use tidegate::edges::admin::{Candidate, Office, People};
use tidegate::edges::memory::keep_ready;
use tidegate::engine::{ControlError, Refusal, Retired};
use tidegate::generator::{Generator, Settings};
use tidegate::stages::enrich::TokenKeys;
use tidegate::stages::features::{FeaturePlan, FeatureState, Footprint, PlanOptions, StateLimits};

use subject::{Subject, argument};

/// Of full speed an event's time, so many times over.
const LOAD: f64 = 4.0;
/// Events before and after an exchange that are looked at by themselves.
const NEAR: usize = 1_000;

type Files = BTreeMap<String, Vec<u8>>;

fn main() {
    let tiny = std::env::args().any(|argument| argument == "--test");
    full_rings(argument("--cards", if tiny { 200 } else { 1_000_000 }), tiny);
    under_load(tiny);
}

fn us(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1_000.0
}

/// Kinds whose windows change; all but the card's are of few keys.
const KINDS: [EntityKind; 4] =
    [EntityKind::Card, EntityKind::Merchant, EntityKind::Terminal, EntityKind::Ip];
/// Keys of each of these kinds.
const HOT: u64 = 16;
/// The shape of a stream of its own: a fiftieth of a second between two events.
const START_MS: i64 = 1_798_556_400_000;
const STEP_MS: i64 = 20;

/// Three windows of three aggregates a kind; then the same in another order, and two more: one over a
/// column that is kept, and one over a column that nobody kept.
fn plans() -> [(FeaturePlan, usize); 2] {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for kind in KINDS.map(EntityKind::name) {
        for over in ["1h", "6h", "24h"] {
            for (name, what) in
                [("n", "count"), ("sum", "sum(amount_base)"), ("cards", "distinct(card)")]
            {
                let line = format!(
                    "{{name: {kind}_{name}_{over}, aggregate: {what}, by: {kind}, over: {over}}}"
                );
                before.push(line.clone());
                after.insert(0, line);
            }
        }
        for (name, what) in [("max", "max(amount_base)"), ("shops", "distinct(merchant)")] {
            after.push(format!(
                "{{name: {kind}_{name}_24h, aggregate: {what}, by: {kind}, over: 24h}}"
            ));
        }
    }
    [before, after].map(|features| {
        let mut files = shipped_files();
        files.retain(|name, _| ["bundle.yaml", "policy.yaml"].contains(&name.as_str()));
        let lines: String = features.iter().map(|line| format!("  - {line}\n")).collect();
        files.insert("features.yaml".to_owned(), format!("features:\n{lines}").into_bytes());
        let bundle = Bundle::compile(&files).expect("a sound bundle");
        let options = PlanOptions { zone: bundle.zone, exact_events: [4_096; EntityKind::COUNT] };
        let plan =
            FeaturePlan::compile(&bundle.aggregates, &bundle.schema, bundle.builtins, &options);
        (plan.expect("a sound plan"), bundle.schema.columns())
    })
}

/// Windows alone, and payments that each touch a card and one key of each other kind.
struct Windows {
    state: FeatureState,
    input: Input,
    row: FeatureVector,
    footprint: Footprint,
    cards: u64,
    counted: u64,
}

impl Windows {
    /// Counts one payment: the time that it takes.
    fn count(&mut self, plan: &FeaturePlan) -> Duration {
        let token = |kind: EntityKind, key: u64| {
            Token::from_words([
                key.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                u64::from(kind as u8) << 56 | key,
            ])
        };
        self.counted += 1;
        let at = START_MS + self.counted.cast_signed() * STEP_MS;
        let card = self.counted * 7_919 % self.cards;
        let Self { state, input, row, footprint, .. } = self;
        input.clear();
        input.received_at = EventTime::from_ms(at).expect("a moment of this century");
        input.occurred_at = input.received_at;
        input.tokens.set(EntityKind::Card, token(EntityKind::Card, card));
        for kind in &KINDS[1..] {
            input.tokens.set(*kind, token(*kind, self.counted % HOT));
        }
        input.facts.set_int(Fact::AmountBase, (self.counted % 1_000).cast_signed());
        row.start(&input.facts);
        let started = Instant::now();
        state.observe(plan, input, Seq(self.counted), row, footprint);
        started.elapsed()
    }

    fn run(&mut self, plan: &FeaturePlan, events: u64) -> Vec<Duration> {
        let mut times: Vec<_> = (0..events).map(|_| self.count(plan)).collect();
        times.sort_unstable();
        times
    }
}

/// There and back again: the exchange, and the first event of each key with full rings after it.
fn full_rings(cards: u64, tiny: bool) {
    let plans = plans();
    let columns = plans.iter().map(|(_, columns)| *columns).max().unwrap_or_default();
    let mut windows = Windows {
        state: FeatureState::new(&StateLimits::default()),
        input: Input::new(),
        row: FeatureVector::new(columns),
        footprint: Footprint::default(),
        cards,
        counted: 0,
    };
    let _memory = keep_ready(windows.state.demands()).expect("a thread");
    windows.run(&plans[0].0, 2 * cards);
    let calm = if tiny { 200 } else { 100_000 };
    println!("{cards} cards, {HOT} keys each of three kinds with full rings");
    for (from, to, what) in [(0, 1, "two aggregates more a kind"), (1, 0, "and back again")] {
        let (old, new) = (&plans[from].0, &plans[to].0);
        let before = windows.run(old, calm);
        let started = Instant::now();
        windows.state.check_carry(old, new).expect("there is room");
        windows.state.carry(old, new, windows.input.received_at);
        let exchange = started.elapsed();
        let first = windows.run(new, HOT);
        // Four rows of a kind with every event: then every card's row has been looked at.
        let carrying = windows.run(new, cards / 3);
        let after = windows.run(new, calm);
        println!("{what}: the exchange {:.0} us", us(exchange));
        for (what, times) in [
            ("events before", before),
            ("first of each key", first),
            ("while rows are carried", carrying),
            ("events after", after),
        ] {
            let at = |share: f64| us(times[((times.len() - 1) as f64 * share) as usize]);
            let (median, p999, most) = (at(0.5), at(0.999), at(1.0));
            println!("  {what:<24}p50 {median:.1} us, p99.9 {p999:.1}, max {most:.1}");
        }
    }
}

/// Columns that the shipped windows of few kinds keep, over windows of all kinds.
fn wider() -> Files {
    let mut files = shipped_files();
    let features = files.get_mut("features.yaml").expect("the shipped features");
    for kind in EntityKind::ALL.map(EntityKind::name) {
        for what in ["mean(amount_base)", "distinct(merchant)", "count"] {
            let name = what.split('(').next().unwrap_or(what);
            let line = format!(
                "\n  - {{name: bench_{kind}_{name}_5h, aggregate: {what}, by: {kind}, over: 5h}}"
            );
            features.extend_from_slice(line.as_bytes());
        }
    }
    files
}

/// What became of a candidate: what it replaced, to be dropped beside the stream.
type Verdict = Result<Retired, Refusal>;

/// Prepares one bundle after the other as the service does, until nobody takes them any more.
fn prepare_all(office: &Office, ready: &SyncSender<Candidate>, verdicts: &Receiver<Verdict>) {
    let bundles = [wider(), shipped_files()];
    let mut at = 0;
    loop {
        let candidate = office.examine(&bundles[at % 2]).expect("a sound bundle");
        let bundle = Arc::clone(candidate.prepared.bundle());
        if ready.send(candidate).is_err() {
            return;
        }
        match verdicts.recv() {
            Ok(Ok(_retired)) => {
                office.now_in_force(bundle);
                at += 1;
            }
            // Rows of earlier bundles are still on their way: the next one comes later.
            Ok(Err(_)) => {}
            Err(_) => return,
        }
    }
}

/// The stream's end of it.
struct Desk {
    ready: Receiver<Candidate>,
    verdicts: SyncSender<Verdict>,
    /// Proposed, and approved before a later event.
    waiting: Option<Candidate>,
    every: usize,
    /// How long it waits for one that is not ready: not at all, but where nothing is measured.
    patience: Duration,
    activated: u64,
    refused: u64,
}

impl Desk {
    /// Before an event: proposes what is ready, or puts in force what was proposed. The time that the
    /// exchange takes.
    fn turn(&mut self, subject: &mut Subject, number: usize, keys: &TokenKeys) -> Option<Duration> {
        let pipeline = &mut subject.pipeline;
        let now = pipeline.engine().last_received_at()?;
        if number % self.every == self.every / 2 {
            let candidate = self.ready.recv_timeout(self.patience).ok()?;
            let proposal = Proposal {
                bundle: candidate.prepared.digest(),
                proposer: "li".to_owned(),
                diff: candidate.diff.clone(),
            };
            pipeline.control(Control::Propose(proposal), now, keys).expect("it is not in force");
            self.waiting = Some(candidate);
            return None;
        }
        if !number.is_multiple_of(self.every) {
            return None;
        }
        let Candidate { prepared, diff, .. } = self.waiting.take()?;
        let (proposer, approver) = (String::new(), "wang".to_owned());
        let activation = Activation {
            bundle: prepared.digest(),
            before: pipeline.engine().bundle().hash,
            ground: Ground::Approved { proposer, approver, signature: None },
            diff,
        };
        let started = Instant::now();
        let made = pipeline.activate(activation, prepared, now, keys);
        let took = started.elapsed();
        let verdict = match made {
            Ok((_, retired)) => Ok(retired),
            Err(ControlError::Refused(refusal)) => Err(refusal),
            Err(ControlError::Journal(error)) => panic!("{error}"),
        };
        let is_done = verdict.is_ok();
        self.activated += u64::from(is_done);
        self.refused += u64::from(!is_done);
        // It waits for the verdict.
        let _ = self.verdicts.send(verdict);
        is_done.then_some(took)
    }
}

/// Times of a stretch of the stream, in nanoseconds.
struct Times {
    /// From the intended start.
    latency: Histogram<u64>,
    /// From the real start.
    work: Histogram<u64>,
    /// What an activation can make longer, of each event: counting and deciding, and the exchange
    /// before it.
    engine_ns: Vec<u64>,
    /// Before which event, and how long it took.
    exchanges: Vec<(usize, Duration)>,
}

/// Open loop: each line has its intended start, and waits for nobody.
fn stream(
    subject: &mut Subject,
    lines: &[Vec<u8>],
    per_event: f64,
    mut desk: Option<&mut Desk>,
) -> Times {
    let histogram = || Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("constant bounds");
    let (latency, work) = (histogram(), histogram());
    let mut times = Times { latency, work, engine_ns: Vec::new(), exchanges: Vec::new() };
    times.engine_ns.reserve(lines.len());
    let (tables, keys) = (subject.tables.current().clone(), subject.keys.token_keys());
    let started = Instant::now();
    for (number, line) in lines.iter().enumerate() {
        let due = Duration::from_nanos((number as f64 * per_event * LOAD) as u64);
        while started.elapsed() < due {
            std::hint::spin_loop();
        }
        let begun = started.elapsed();
        let exchange = desk.as_mut().and_then(|desk| desk.turn(subject, number, &keys));
        let stages = subject.take_one(line, &tables, &keys);
        subject.pipeline.flush().expect("the journal's disk");
        let ended = started.elapsed();
        times.latency.saturating_record((ended - due).as_nanos() as u64);
        times.work.saturating_record((ended - begun).as_nanos() as u64);
        let engine = u64::from(stages[Stage::Rules as usize]);
        let exchanged = exchange.unwrap_or_default().as_nanos() as u64;
        times.engine_ns.push(engine + exchanged);
        times.exchanges.extend(exchange.map(|took| (number, took)));
    }
    times
}

fn report(what: &str, times: &Times) {
    let mut engine = Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("constant bounds");
    times.engine_ns.iter().for_each(|ns| engine.saturating_record(*ns));
    for (what, times) in
        [(what, &times.latency), ("  of that, work", &times.work), ("  engine, exchange", &engine)]
    {
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{what:<24}p50 {:.1} us, p99 {:.1}, p99.9 {:.1}, max {:.1}",
            at(0.5),
            at(0.99),
            at(0.999),
            times.max() as f64 / 1_000.0
        );
    }
    let long = times.engine_ns.iter().filter(|ns| **ns > 1_000_000).count();
    println!("  engine, exchange over a millisecond: {long} of {} events", times.engine_ns.len());
}

fn office(subject: &Subject, dir: &Path) -> Office {
    let engine = subject.pipeline.engine();
    Office::new(People::default(), dir, engine.standing(), Arc::clone(engine.bundle()))
}

/// The whole pipeline: without activations, with one after the other, and without again.
fn under_load(tiny: bool) {
    let events = argument("--events", if tiny { 400 } else { 200_000 });
    let warm = argument("--warm", if tiny { 400 } else { 1_000_000 });
    let customers = argument("--customers", if tiny { 1_000 } else { 200_000 }) as u32;
    let every = argument("--every", if tiny { 150 } else { 40_000 });
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings = Settings {
        events: warm + 4 * events,
        customers,
        merchants: (customers / 10).max(500),
        terminals: (customers / 10).max(500),
        rate_per_s: f64::from(customers) / 14_400.0,
        ..Settings::default()
    };
    let mut generator = Generator::new(settings);
    let mut subject = Subject::new(dir.path(), &generator);
    let _memory = keep_ready(subject.pipeline.engine_mut().demands()).expect("a thread");
    let keeper = subject.pipeline.keeper().expect("there is a journal");
    let _ = tidegate::edges::journal_keeper::keep(keeper).expect("a thread");
    let mut next = |count: u64| -> Vec<Vec<u8>> {
        let mut line = Vec::new();
        (0..count).map_while(|_| generator.next_into(&mut line).map(|_| line.clone())).collect()
    };
    for _ in 0..warm.div_ceil(10_000) {
        let lines = next(warm.min(10_000));
        subject.take(&lines);
    }
    let lines = next(events);
    let started = Instant::now();
    subject.take(&lines);
    let per_event = started.elapsed().as_nanos() as f64 / lines.len() as f64;
    println!("under load, every {:.0} us an event", per_event * LOAD / 1_000.0);

    let lines = next(events);
    report("without activations", &stream(&mut subject, &lines, per_event, None));
    println!("decisions {} hash {:016x}", subject.decided, subject.hash);
    let lines = next(events);
    let office = office(&subject, dir.path());
    let (send_ready, ready) = sync_channel(1);
    let (verdicts, take_verdicts) = sync_channel(1);
    let mut desk = Desk {
        ready,
        verdicts,
        waiting: None,
        every: every as usize,
        patience: Duration::from_secs(if tiny { 60 } else { 0 }),
        activated: 0,
        refused: 0,
    };
    std::thread::scope(|scope| {
        scope.spawn(move || prepare_all(&office, &send_ready, &take_verdicts));
        let times = stream(&mut subject, &lines, per_event, Some(&mut desk));
        report("with activations", &times);
        let (activated, refused) = (desk.activated, desk.refused);
        println!("  {activated} activations, {refused} refused as too early");
        for (number, took) in &times.exchanges {
            let most =
                |stretch: &[u64]| stretch.iter().max().map_or(0.0, |ns| *ns as f64 / 1_000.0);
            let (before, after) = times.engine_ns.split_at(*number);
            let before = &before[before.len().saturating_sub(NEAR)..];
            println!(
                "  exchange {:.0} us; longest of {NEAR} events before it {:.0} us, from it on {:.0}",
                us(*took),
                most(before),
                most(&after[..after.len().min(NEAR)]),
            );
        }
        // Nobody takes bundles any more: the other thread ends.
        drop(desk);
    });
    let lines = next(events);
    report("without activations", &stream(&mut subject, &lines, per_event, None));
}
