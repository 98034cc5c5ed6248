//! The words: values that every room speaks of, with their invariants and nothing that acts.
//!
//! Reading order: what money and time are, who an entity is, what a client says
//! ([`PaymentEvent`]), what enters the engine ([`Input`]), what the rules see
//! ([`FeatureVector`]) and what comes out ([`Body`]).

mod address;
mod amount;
mod time;
mod zone;
mod sensitive;
mod token;
mod card_digits;
mod spelling;
mod device_name;
mod digits;
mod words;
mod event;
mod field;
mod nearest;
mod facts;
mod amendment;
mod past;
mod control;
mod placeholders;
mod input;
mod schema;
mod vector;
mod version;
mod effect;
mod decision;

pub use address::{canonical_address, canonical_network};
pub use amendment::{Amendment, Standing};
pub use amount::{Amount, AmountTooLarge, Currency};
pub use card_digits::CardDigits;
pub use control::{
    Activation, BundleDigest, Control, Ground, GuardTrip, ListAddition, ListEntry, ListRemoval,
    Proposal, Provenance, ProvenanceFault, RuleDiff, Signature, SwitchedOff, TokenLookUp, Upgrade,
};
pub use decision::{
    Action, Applied, Band, Body, DecisionFlags, FollowUps, Observed, Plan, ReasonId, Reasons,
    RiskVerification, Seq, Stage,
};
pub use device_name::without_owner;
pub use digits::{has_personal_digits, is_like_a_card, luhn_valid, withhold_digits};
pub use effect::{Effect, Force};
pub use event::{
    Attribute, AttributeValue, Card, Consent, Datum, Device, DeviceFlags, Label, Location,
    Merchant, Message, Network, Outcome, Party, PaymentEvent, Terminal, Verification,
};
pub use facts::{Fact, Facts};
pub use field::{Field, FieldSet};
pub use input::{
    ArrivalRule, Content, DeviceIdentifier, DeviceIds, Input, MissingTables, Source, Tokens, What,
};
pub use nearest::nearest;
pub use past::Past;
pub use placeholders::Placeholders;
pub use schema::{FieldId, FieldType, Schema, SchemaField};
pub use sensitive::Sensitive;
pub use spelling::{Glyph, card_number_digits, phone_digits};
pub use time::{EventTime, TimeError};
pub use token::{EntityKind, Token};
pub use vector::{FeatureVector, Value};
pub use version::VersionKey;
pub use words::{
    EntryMode, GuardMeasure, Kind, LabelSource, ListPurpose, ListSource, OutcomeResult, Refusal,
    Service, Truth,
};
pub use zone::Zone;
