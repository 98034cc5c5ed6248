//! How values become bytes: protobuf primitives and the canonical form of an event.
