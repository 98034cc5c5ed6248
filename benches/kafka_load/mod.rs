//! The load side of every Kafka measurement: who sends, who reads the answers, what is counted.
//!
//! The subject (whatever turns events into decisions) is known by two topic names only, so that the
//! bare echo and a running Tidegate are measured by the same code:
//!
//! ```text
//!  Sender ──events──▶ subject ──decisions──▶ Reader
//!    │ on a schedule, or as fast as            │ latency from the *intended* send time,
//!    └ the subject answers                     └ each id counted: missing, repeated
//! ```

pub mod clients;
pub mod measure;
pub mod payloads;
pub mod reader;
pub mod sender;
pub mod service;

/// Why a measurement could not be made. The text says what to do about it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Event ids of one run: `ld-RRRRRRRR-IIIIIIIIII`, run in hexadecimal, index in decimal.
///
/// The index leads back to the intended send time, so no header or body field has to survive the
/// subject but the event id, which every decision carries.
#[derive(Clone, Copy, Debug)]
pub struct RunId(u32);

impl RunId {
    /// Bytes of an id before its index.
    pub const PREFIX_LEN: usize = 12;
    /// Decimal digits of the index.
    pub const INDEX_LEN: usize = 10;

    /// Different for every run on one machine.
    pub fn fresh() -> Self {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self((since_epoch.as_millis() as u32) ^ std::process::id().rotate_left(16))
    }

    /// What every id of this run begins with.
    pub fn prefix(self) -> [u8; Self::PREFIX_LEN] {
        let mut prefix = *b"ld-00000000-";
        prefix[3..11].copy_from_slice(format!("{:08x}", self.0).as_bytes());
        prefix
    }

    /// A topic of this run's own.
    pub fn topic(self, role: &str) -> String {
        format!("load-{:08x}-{role}", self.0)
    }
}
