//! Who may see what? An event and a decision to a disclosure, by profile.
//!
//! A profile names, for each field, how it is shown. Personal fields (C2) know masks only: there is
//! no mask that shows everything, so no profile and no fault in one can show a value in clear.
//! The others (C1) are shown or hidden. What stands in no profile is hidden.
//!
//! [`Masked`] is the only thing that an emitter takes, and only [`render`] fills it, of an answer and
//! of what [`show`] took from the event.

mod pattern;
mod apply;
mod phone;
mod host;
mod fields;
mod profile;
mod writer;
mod render;
#[cfg(test)]
mod tests;

pub use fields::{Open, Secret};
pub use pattern::Mask;
pub use profile::{Profile, ProfileFault};
pub use render::{Answer, Shown, render, show};
pub use writer::Masked;
