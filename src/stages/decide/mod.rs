//! So what do we do? Hits and a policy to a decision.
