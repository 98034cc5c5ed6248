//! Everything that blocks or fails, one file per outside system.
