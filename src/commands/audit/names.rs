//! What the bundles of a journal call things: columns, rules and reasons by their numbers.

use std::sync::Arc;

use crate::bundle::Bundle;
use crate::domain::{Band, Facts, FieldId, ReasonId, Service};
use crate::journal::{BundleHash, BundleRef, JournalError, Reader, StoredBundle};

/// What the bundles of the journal call things.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Names {
    reasons: Vec<(ReasonId, String)>,
    bundles: Vec<(BundleRef, BundleHash)>,
    /// The bundle in force, compiled from its record; `None` when this version cannot, and then
    /// columns and rules go by their numbers.
    compiled: Option<Arc<Bundle>>,
    /// The one before it.
    before: Option<Arc<Bundle>>,
}

impl Names {
    /// Those of the bundle in force where the reader stands.
    pub(in crate::commands) fn at_start(reader: &Reader) -> Result<Self, JournalError> {
        let mut names = Self::default();
        if let Some(active) = reader.bundle_at_segment_start() {
            names.take(reader.read_active_bundle(active)?);
        }
        Ok(names)
    }

    pub(in crate::commands) fn take(&mut self, bundle: StoredBundle) {
        self.bundles.push((bundle.bundle, bundle.hash));
        self.reasons = bundle.reasons;
        let files = bundle.files.into_iter().map(|file| (file.path, file.content)).collect();
        let compiled = Bundle::compile_kept(&files).ok().map(Arc::new);
        self.before = std::mem::replace(&mut self.compiled, compiled);
    }

    /// A column's name, by its number after the facts.
    pub(in crate::commands) fn column(&self, column: usize) -> String {
        let number = Facts::COLUMNS + column;
        let id = u16::try_from(number).ok().map(FieldId);
        let field = self.compiled.as_ref().zip(id).and_then(|(b, id)| b.schema.field(id));
        field.map_or_else(|| format!("column_{number}"), |field| field.name.clone())
    }

    /// A rule's id, by its number in the bundle.
    pub(in crate::commands) fn rule(&self, rule: u16) -> String {
        let rules = self.compiled.as_ref().map_or(&[][..], |bundle| bundle.rules.rules());
        let known = rules.get(usize::from(rule));
        known.map_or_else(|| format!("rule_{rule}"), |rule| rule.id.clone())
    }

    /// A reason's code; its number when the bundle's record says none.
    pub(in crate::commands) fn reason(&self, id: ReasonId) -> String {
        let code = self.reasons.iter().find(|(known, _)| *known == id);
        code.map_or_else(|| format!("reason_{}", id.0), |(_, code)| code.clone())
    }

    /// What a band of a service's score is called; its number when this version cannot compile the
    /// bundle.
    pub(in crate::commands) fn band(&self, service: Service, band: Band) -> String {
        let policy = self.compiled.as_ref().map(|bundle| bundle.policy.of(service));
        policy.map_or_else(|| band.0.to_string(), |policy| policy.band_name(band))
    }

    /// A bundle's hash in hexadecimal digits.
    pub(in crate::commands) fn bundle(&self, bundle: BundleRef) -> Option<String> {
        let known = self.bundles.iter().rev().find(|(known, _)| *known == bundle);
        known.map(|(_, hash)| hash.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The bundle that a record was made under, if it is the one in force or the one before.
    pub(in crate::commands) fn made_by(&self, bundle: BundleRef) -> Option<&Arc<Bundle>> {
        let known = self.bundles.iter().rev().find(|(known, _)| *known == bundle)?;
        let is_it = |compiled: &&Arc<Bundle>| compiled.hash == known.1.0;
        self.compiled.iter().chain(&self.before).find(is_it)
    }

    /// The bundle in force, compiled; `None` when this version cannot.
    pub(in crate::commands) fn compiled(&self) -> Option<&Arc<Bundle>> {
        self.compiled.as_ref()
    }
}
