//! Where log lines go, how they look, and what a panic may say.

use tracing::level_filters::LevelFilter;

use super::{LogEvent, emit};

/// What is worth a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// What failed.
    Error,
    /// What may fail soon.
    Warn,
    /// What changed.
    Info,
    /// What went on.
    Debug,
}

impl Level {
    /// Each level with its name.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];

    const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

impl Format {
    /// Each format with its name.
    pub const NAMED: [(&'static str, Self); 2] = [("text", Self::Text), ("json", Self::Json)];
}

/// Sends log lines to standard error. The first call of a process counts.
pub fn init(level: Level, format: Format) {
    let builder =
        tracing_subscriber::fmt().with_max_level(level.filter()).with_writer(std::io::stderr);
    // A subscriber that is already there belongs to whoever runs us: it stays.
    let _ = match format {
        Format::Text => builder.with_ansi(false).try_init(),
        Format::Json => builder.json().try_init(),
    };
}

/// Makes a panic say where it happened and not what: its payload may hold a value of an event.
pub fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        emit(&LogEvent::Panicked { thread: thread.name().unwrap_or("?"), place: &place });
    }));
}
