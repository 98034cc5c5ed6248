//! Running a service: the engine on its own thread, and around it metrics, health, signals and the
//! watch over the tables' files.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::assemble::AssembleError;
use crate::edges::admin::SocketError;
use crate::edges::bundle_store::StoreError;
use crate::edges::closed_segments;
use crate::edges::http;
use crate::edges::journal_keeper;
use crate::edges::kafka::{Edge, EdgeError, Handler, Settings, Statistics};
use crate::edges::machine::Machine;
use crate::edges::tables::TableStore;
use crate::journal::Keeper;
use crate::telemetry::{LogEvent, ReloadResult, Telemetry, Unready, emit};

/// Why a service ended other than by a stop.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    /// Kafka's side failed.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The journal cannot be opened, or the bundle not be laid out.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// There is no socket for changes by people.
    #[error(transparent)]
    Admin(#[from] SocketError),
    /// The bundle in force cannot be kept beside the journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port for metrics cannot be had.
    #[error("cannot listen on {address}: {source}: set [http] listen to a free port")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    /// The system refuses a thread or a signal.
    #[error("the system refuses {what}: {source}")]
    System { what: &'static str, source: io::Error },
    /// The engine's thread did not end in time.
    #[error(
        "the Kafka client does not return: gave up waiting; nothing is lost, the next start goes \
         on from the journal"
    )]
    Hung,
    /// The engine's thread panicked.
    #[error(
        "the engine's thread panicked, the log says where; the next start goes on from the journal"
    )]
    Panicked,
}

impl ServeError {
    /// 2 where the operator has named the wrong thing, 3 where something outside failed.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Edge(EdgeError::Unfit(_)) => 2,
            Self::Assemble(AssembleError::Journal(error)) if error.is_other_key() => 2,
            _ => 3,
        }
    }
}

/// What surrounds the engine: it begins first, so that readiness can be asked while the journal is
/// read, and it ends last.
pub(super) struct Surroundings {
    pub(super) telemetry: Telemetry,
    /// Set by a signal.
    stop: Arc<AtomicBool>,
    statistics: Arc<Mutex<Option<Arc<Statistics>>>>,
    /// Dropped to end the runtime.
    _end: tokio::sync::oneshot::Sender<()>,
}

/// Between two looks at whether something has ended.
const LOOK: Duration = Duration::from_millis(100);
/// What a stop may take on top of its own limit: leaving the group, dropping the clients, and a last
/// snapshot, which gives up after 30 seconds.
const LEAVE: Duration = Duration::from_secs(45);

impl Surroundings {
    /// Serves metrics and health, and listens for signals, on a thread of its own.
    pub(super) fn begin(
        settings: http::Settings,
        telemetry: Telemetry,
    ) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address: settings.listen, source };
        let listener = http::bind(settings).map_err(listen)?;
        emit(&LogEvent::Listening { address: listener.local_addr().map_err(listen)? });
        let system = |what| move |source| ServeError::System { what, source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("an event loop"))?;
        let (end, ended) = tokio::sync::oneshot::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let statistics: Arc<Mutex<Option<Arc<Statistics>>>> = Arc::default();
        let signals = {
            let _entered = runtime.enter();
            Signals::listen(Arc::clone(&stop)).map_err(system("signals"))?
        };
        let tick = tick(telemetry.clone(), Arc::clone(&statistics));
        let serve = http::serve(listener, telemetry.clone());
        thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = serve => {},
                        () = tick => {},
                        () = signals.wait() => {},
                        _ = ended => {},
                    }
                });
            })
            .map_err(system("a thread"))?;
        Ok(Self { telemetry, stop, statistics, _end: end })
    }

    /// Whether a signal asked for the end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Looks at the tables' files from time to time.
    pub(super) fn watch(&self, tables: Arc<TableStore>, every: Duration) -> Result<(), ServeError> {
        let (telemetry, stop) = (self.telemetry.clone(), Arc::clone(&self.stop));
        let watch = move || {
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(every);
                let refreshed = tables.refresh();
                for kind in refreshed.replaced {
                    telemetry.count_reload(kind.name(), ReloadResult::Loaded);
                    emit(&LogEvent::TableLoaded { table: kind.name() });
                }
                for fault in refreshed.faults {
                    telemetry.count_reload(fault.table, ReloadResult::Kept);
                    emit(&LogEvent::TableKept { table: fault.table, fault: &fault });
                }
            }
        };
        let spawned = thread::Builder::new().name("tables".to_owned()).spawn(watch);
        spawned.map_err(|source| ServeError::System { what: "a thread", source })?;
        Ok(())
    }

    /// Does the journal's slow work beside the engine.
    pub(super) fn keep(&self, keeper: Keeper) -> Result<(), ServeError> {
        let spawned = journal_keeper::keep(keeper);
        spawned.map_err(|source| ServeError::System { what: "a thread", source })?;
        Ok(())
    }

    /// Sees to closed segments: fingerprints, archive, age.
    pub(super) fn tend(
        &self,
        dir: PathBuf,
        settings: closed_segments::Settings,
        machine: &Machine,
    ) -> Result<(), ServeError> {
        let stop = Arc::clone(&self.stop);
        let spawned = closed_segments::tend(dir, settings, machine.fingerprints(), stop);
        spawned.map_err(|source| ServeError::System { what: "a thread", source })
    }

    /// Runs the engine until a signal or a failure.
    pub(super) fn run<H>(self, settings: Settings, handler: H) -> Result<(), ServeError>
    where
        H: Handler + Send + 'static,
    {
        let patience = settings.stop_timeout + LEAVE;
        let edge = Edge::open(settings, handler, self.telemetry.clone(), Arc::clone(&self.stop))?;
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = Some(edge.statistics());
        let (done, outcome) = mpsc::channel();
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let result = edge.run();
                // The handler ends here, on its own thread: its journal is closed by dropping it.
                let _ = done.send(result.map(drop));
            })
            .map_err(|source| ServeError::System { what: "a thread", source })?;
        let mut deadline = None;
        loop {
            match outcome.recv_timeout(LOOK) {
                Ok(result) => return Ok(result?),
                Err(RecvTimeoutError::Disconnected) => return Err(ServeError::Panicked),
                Err(RecvTimeoutError::Timeout) if self.is_stopping() => {
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + patience);
                    if Instant::now() >= deadline {
                        return Err(ServeError::Hung);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The signals that ask for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    stop: Arc<AtomicBool>,
}

impl Signals {
    fn listen(stop: Arc<AtomicBool>) -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt, stop })
    }

    /// Notes the signals that come; never ends, since the service goes on until it has drained.
    async fn wait(mut self) {
        loop {
            let signal = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if !self.stop.swap(true, Ordering::Relaxed) {
                emit(&LogEvent::Stopping { signal });
            }
        }
    }
}

/// Once a second: latencies are merged and the client's statistics published.
async fn tick(telemetry: Telemetry, statistics: Arc<Mutex<Option<Arc<Statistics>>>>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        telemetry.latencies.collect(Instant::now());
        let statistics = statistics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(statistics) = statistics {
            statistics.publish(&telemetry);
        }
    }
}

/// Says that the service failed, in the log and in its readiness.
pub(super) fn report_failure(telemetry: &Telemetry, error: &dyn std::fmt::Display) {
    telemetry.readiness.set(Unready::Failed);
    emit(&LogEvent::Failed { text: &error.to_string() });
}
