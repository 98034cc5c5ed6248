//! `[http]` and `[log]`: how the service shows itself.

use std::net::{Ipv4Addr, SocketAddr};

use crate::edges::http::Settings;
use crate::telemetry::{Format, Level};

use super::section::Section;

/// The log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Log {
    /// What is worth a line.
    pub level: Level,
    /// How a line looks.
    pub format: Format,
}

pub(super) fn http(mut section: Section<'_, '_>) -> Settings {
    let text = section.text("listen");
    let listen = text.parse::<SocketAddr>();
    match &listen {
        Ok(address) if !address.ip().is_loopback() => section.fault(
            "listen",
            format!("{text:?} is open to others and not encrypted: listen on 127.0.0.1"),
        ),
        Err(_) if !text.is_empty() => {
            section.fault("listen", format!("{text:?} must be address:port, 127.0.0.1:9464"));
        }
        _ => {}
    }
    section.finish();
    Settings { listen: listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))) }
}

pub(super) fn log(mut section: Section<'_, '_>) -> Log {
    let log = Log {
        level: section.choice("level", &Level::NAMED).unwrap_or(Level::Info),
        format: section.choice("format", &Format::NAMED).unwrap_or(Format::Text),
    };
    section.finish();
    log
}
