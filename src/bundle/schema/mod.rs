//! JSON Schemas of the files of a bundle, for editors: made from the vocabularies that the readers
//! use. A test holds that they name exactly the keys that the readers ask for.

mod json;
mod files;
#[cfg(test)]
pub(super) mod tests;

/// A file of a bundle that has a schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SchemaOf {
    /// Any file of rules.
    Rules,
    /// `features.yaml`.
    Features,
    /// `policy.yaml`.
    Policy,
    /// `bundle.yaml`, which declares lists, custom fields and constants.
    Lists,
}

impl SchemaOf {
    /// Each with its name in commands.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("rules", Self::Rules),
        ("features", Self::Features),
        ("policy", Self::Policy),
        ("lists", Self::Lists),
    ];

    /// The schema (JSON Schema, draft 2020-12) as JSON.
    pub fn document(self) -> String {
        let schema = match self {
            Self::Rules => files::rules(),
            Self::Features => files::features(),
            Self::Policy => files::policy(),
            Self::Lists => files::manifest(),
        };
        format!("{schema}\n")
    }
}
