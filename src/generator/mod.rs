//! What would the world send? Seeded payments with planted fraud.
