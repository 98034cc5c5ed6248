//! One rule, as the bundle has checked it.

use crate::domain::{Effect, EventTime, Kind, Service};
use crate::lang::{Place, Program};

use super::Share;

/// A rule: when it speaks, and what it then asks for.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The stable name in reports, metrics and the journal, unique in the bundle.
    pub id: String,
    /// What it is called among people.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// The condition.
    pub when: Program,
    /// What it asks for when the condition holds.
    pub effect: Effect,
    /// The stable code of its reason.
    pub reason_code: String,
    /// The reason as a sentence; it interpolates no text from the event.
    pub reason: String,
    /// Whether and for whom it takes effect.
    pub mode: Mode,
    /// The services that it looks at.
    pub services: ServiceSet,
    /// The kinds of events that it looks at.
    pub kinds: KindSet,
    /// Whether it speaks on windows younger than their width.
    pub warmth: Warmth,
    /// The first moment at which it speaks.
    pub valid_from: Option<EventTime>,
    /// The first moment at which it speaks no more.
    pub valid_until: Option<EventTime>,
}

/// Whether and for whom a rule takes effect.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// For all.
    #[default]
    Live,
    /// For nobody: evaluated and journaled only.
    Shadow,
    /// For a share of the subjects; for the others it is a shadow.
    Canary(Share),
    /// Not evaluated.
    Off,
}

/// What a rule makes of windows that are younger than their width.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Warmth {
    /// It takes their values as they are.
    #[default]
    Any,
    /// It does not speak while one of its columns is warming (`require: warm`).
    Required,
}

/// Declares a set over one of the small vocabularies.
macro_rules! word_set {
    ($(#[$doc:meta])* $name:ident of $word:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct $name(u16);

        impl $name {
            /// Every word.
            pub const ALL: Self = Self(u16::MAX);

            /// Exactly these.
            pub fn of(words: &[$word]) -> Self {
                Self(words.iter().fold(0, |set, word| set | 1 << *word as u16))
            }

            /// Whether a word is in it.
            pub const fn contains(self, word: $word) -> bool {
                self.0 >> word as u16 & 1 == 1
            }
        }
    };
}

word_set! {
    /// Some of the services.
    ServiceSet of Service
}

word_set! {
    /// Some of the kinds of events.
    KindSet of Kind
}

// A bit a word, by its number.
const _: () = assert!(Service::CardAcquiring as u16 <= 15 && Kind::Consent as u16 <= 15);
