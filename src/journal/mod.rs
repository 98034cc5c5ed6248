//! The only truth: segments, records, seal, recovery.
