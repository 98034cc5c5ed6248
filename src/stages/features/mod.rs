//! What has been happening? Windows, device matching, travel, first seen: the only state.

mod builtins;

pub use builtins::{Builtin, BuiltinColumns};
