//! The only place that knows the order: sequence, plan, once, amend.
