//! What has been happening? Windows, device matching, travel, first seen: the only state.
//!
//! An event is put into the ring of each of its entities (its card, its device, its merchant, ...),
//! and every declared aggregate is read off those rings in one go, exactly: no running totals, so
//! no drift, and the same answer whatever order the events came in. A key that is hit more often
//! than its ring is large falls back to panes for its long windows, and says so.

mod spec;
mod builtins;
mod filter;
mod leaves;
mod plan;
mod epoch;
mod arena;
mod slots;
mod shards;
mod supply;
mod keys;
mod runs;
mod flags;
mod ring;
mod masks;
mod aggregate;
mod panes;
mod hash;
mod device;
mod tracker;
mod footprint;
mod state;
mod carry;
mod layout;
mod stores;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod hot_keys;

pub use builtins::{Builtin, BuiltinColumns};
pub use carry::{BitsAre, CarryFault, PanesAre};
pub use epoch::{
    Epoch, Extent, FRAME_WORDS_MAX, Granular, HEAD_WORDS, Misfit, StoreId, Words, head_words,
};
pub use footprint::Footprint;
pub use plan::{FeaturePlan, PlanFault, PlanOptions};
pub use slots::Slots;
pub use spec::{AggregateSpec, DistinctOf, Function, Over, REACH_MAX_MS};
pub use state::{Behind, FeatureState, MemoryUse, StateLimits};
pub use supply::{Demand, Supply, Wanted, touched_words};
