//! Every metric and event name, as types.
