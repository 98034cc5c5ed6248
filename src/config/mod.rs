//! What did the operator write? TOML, checked as a whole.
