//! Which rules speak? Compiled conditions over a row to hits.
