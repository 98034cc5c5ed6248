//! What a bundle called things when it answered: a repeated answer says the same, whatever is in
//! force by then.

use super::snapshot::{read_text, write_text};
use crate::bundle::Bundle;
use crate::domain::{Band, ReasonId, Service};
use crate::stages::decide::{Policy, ServicePolicy};
use crate::stages::features::{Misfit, Words};

/// What a repeated answer needs of the bundle that made it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The bundle's hash as text.
    pub(super) name: String,
    /// Code and sentence by reason.
    pub(super) reasons: Vec<(String, String)>,
    /// What the bands of the score are called.
    pub(super) bands: BandNames,
}

impl Made {
    /// What a bundle calls things.
    pub(super) fn of(bundle: &Bundle) -> Self {
        Self {
            name: bundle.name(),
            reasons: bundle.reasons.clone(),
            bands: BandNames::of(&bundle.policy),
        }
    }

    /// The stable code and the sentence of a reason.
    pub(super) fn reason(&self, id: ReasonId) -> (&str, &str) {
        let reason = self.reasons.get(usize::from(id.0));
        reason.map_or(("unknown", ""), |(code, text)| (code, text))
    }
}

/// Names of the bands of the score, mildest first, by [`Service::index`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct BandNames([Vec<String>; Service::COUNT]);

impl BandNames {
    pub(super) fn of(policy: &Policy) -> Self {
        let names = |at: usize| policy.services[at].bands.iter().map(|band| band.name.clone());
        Self(std::array::from_fn(|at| names(at).collect()))
    }

    /// Those of a bundle that names none, as all did once, or that this version cannot read.
    pub(super) fn numbers() -> Self {
        let number = |band: usize| band.to_string();
        Self(std::array::from_fn(|_| (0..ServicePolicy::BANDS_MAX).map(number).collect()))
    }

    /// The name of a band of a service's score.
    pub(super) fn get(&self, service: Service, band: Band) -> &str {
        let names = &self.0[service.index()];
        names.get(usize::from(band.0)).map_or("unknown", String::as_str)
    }

    pub(super) fn write(&self, out: &mut Vec<u64>) {
        for names in &self.0 {
            out.push(names.len() as u64);
            names.iter().for_each(|name| write_text(name, out));
        }
    }

    pub(super) fn read(words: &mut Words<'_>) -> Result<Self, Misfit> {
        let mut read = Self(Default::default());
        for names in &mut read.0 {
            for _ in 0..words.at_most(ServicePolicy::BANDS_MAX as u64)? {
                names.push(read_text(words)?);
            }
        }
        Ok(read)
    }
}
