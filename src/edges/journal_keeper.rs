//! The thread that does a journal's slow work: the next file, closed segments, the medium.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::journal::{Due, Keeper};
use crate::telemetry::{LogEvent, emit};

/// How long a thread without work sleeps.
const IDLE: Duration = Duration::from_secs(1);
/// Before what failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Does the work of a writer until the writer is gone.
pub fn keep(keeper: Keeper) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("journal".to_owned()).spawn(move || run(&keeper))
}

fn run(keeper: &Keeper) {
    let mut failed_at: Option<Instant> = None;
    let mut looked_at = Instant::now();
    loop {
        match keeper.wait(IDLE) {
            Due::Over => return,
            Due::Nothing => {}
            Due::Now => {
                if let Err(error) = keeper.turn() {
                    // Said once for each row of failures; the writer learns what it must know.
                    if failed_at.is_none() {
                        emit(&LogEvent::JournalLags { fault: &error });
                    }
                    failed_at = Some(Instant::now());
                }
            }
        }
        if looked_at.elapsed() >= IDLE {
            looked_at = Instant::now();
            if let Err(error) = keeper.look() {
                emit(&LogEvent::Failed { text: &error.to_string() });
            }
        }
        if failed_at.is_some_and(|at| at.elapsed() >= PAUSE) {
            failed_at = None;
            keeper.try_again();
        }
    }
}
