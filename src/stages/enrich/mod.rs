//! What do the tables say? An event, tables and token keys to an input.
