//! What does this message say? Bytes to a payment event or a typed rejection.
