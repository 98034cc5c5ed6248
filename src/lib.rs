//! Tidegate: real-time risk control for payments.
//!
//! ```text
//!  kafka ─┐ bytes                 any thread                    │        one writer, one order
//!  http  ─┼─────▶ decode ─▶ PaymentEvent ─▶ enrich ─▶ Input     │
//!  file  ─┘         │         (C2 values)   tokens + facts ────▶│ features ─▶ rules ─▶ decide ─▶ body
//!                   ▼               │                           │ windows, device, travel         │
//!              dead letter          ▼ raw values                └─────────────────────────────────┼─▶ journal
//!                              seal, mask ◀───────────────────────────────────────────────────────┘     │
//!                                   └─▶ masked decision ─▶ kafka / reply                   audit topic ◀┘
//! ```
//!
//! Everything that can change a decision is an input; inputs are put in one order and numbered;
//! the engine is a function of the inputs so far, and one journal holds each with what it produced.
//! The modules below stand in reading order; each may import only what stands above it, which
//! `tests/tidy.rs` holds. `ARCHITECTURE.md` says why.

pub mod domain;
pub mod telemetry;
pub mod wire;
pub mod lang;
pub mod stages;
pub mod bundle;
pub mod journal;
pub mod engine;
pub mod edges;
pub mod config;
pub mod generator;
pub mod commands;
