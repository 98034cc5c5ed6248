//! Changes by people while the service runs: a Unix socket, one JSON object a line each way.
//!
//! ```text
//!  client ─▶ socket: who is it? ─▶ request ─▶ office: may he? is it sound? ─▶ order ─▶ engine's thread
//!                                                (compiles here)        ◀─ number or reason ◀─┘
//! ```

mod people;
mod tokens;
mod request;
mod order;
mod rule_diff;
mod allowance;
mod approval;
mod handles;
mod drafts;
mod office;
mod list_office;
mod guests;
mod lines;
mod socket;
mod client;

pub use approval::{bundle_approval, list_approval};
pub use client::{Client, ClientError};
pub use office::{Candidate, Office, Signed, Tries};
#[cfg(test)]
pub(in crate::edges) use order::Done;
pub use order::{Change, Order, OrderSender, Orders, orders};
pub use people::{ApproverKey, People, Role};
pub use request::{Answer, EntryText, Haste, NoRequest, Request, WaitingText, WhyText};
pub use socket::{Settings, SocketError, check_path, serve};
pub use tokens::{RawValue, TokenText, VALUES_MAX};
