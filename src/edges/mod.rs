//! Everything that blocks or fails, one file per outside system.

pub mod kafka;
pub mod past;
pub mod closed_segments;
pub mod journal_keeper;
pub mod access;
mod spare_file;
mod bounded_listener;
pub mod http;
pub mod tables;
pub mod card_sequence;
pub mod keys;
pub mod journal_keys;
pub mod bundle_files;
pub mod machine;
mod noted;
pub mod memory;
pub mod snapshots;
pub mod users;
pub mod bundle_store;
pub mod list_proposals;
pub mod admin;
