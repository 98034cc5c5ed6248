//! Another bundle between two inputs: made ready beside the stream, put in place in a moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lists::Question;
use super::made::Made;
use super::state_machine::layout;
use super::{Engine, EngineLimits, Refusal};
use crate::bundle::Bundle;
use crate::domain::{BundleDigest, FeatureVector, ReasonId};
use crate::journal::{BundleFile, BundleHash, Columns, StoredBundle};
use crate::stages::features::{FeaturePlan, PlanFault, PlanOptions};

/// A bundle with everything that an engine needs of it, made on another thread.
#[derive(Debug)]
pub struct Prepared {
    pub(super) bundle: Arc<Bundle>,
    pub(super) columns: Columns,
    pub(super) stored: StoredBundle,
    pub(super) plan: FeaturePlan,
    pub(super) layout: [u8; 32],
    row: FeatureVector,
    questions: Vec<Question>,
}

/// What a bundle that is no longer in force leaves behind: to be dropped where nobody waits.
#[derive(Debug)]
pub struct Retired {
    _bundle: Arc<Bundle>,
    _plan: FeaturePlan,
    _questions: Vec<Question>,
}

/// What a bundle is laid out for, for whoever prepares it.
#[derive(Clone, Debug)]
pub struct Standing {
    limits: EngineLimits,
}

impl Standing {
    /// Makes a bundle ready. The error says why it cannot be laid out.
    pub fn prepare(
        &self,
        bundle: Arc<Bundle>,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Prepared, Vec<PlanFault>> {
        let plan = plan(&bundle)?;
        Ok(Prepared {
            columns: Columns::of(&bundle.schema),
            stored: stored(&bundle, files),
            layout: layout(&plan, &self.limits),
            row: FeatureVector::new(bundle.schema.columns()),
            questions: Vec::new(),
            bundle,
            plan,
        })
    }
}

impl Prepared {
    /// The bundle.
    pub const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Its content hash.
    pub fn digest(&self) -> BundleDigest {
        self.bundle.hash
    }
}

/// Whether amounts under another bundle may meet those that windows hold. Other rates may: what was
/// summed keeps the rates of then, and each amount enters with the rate of its own input.
pub fn check_currency(in_force: &Bundle, next: &Bundle) -> Result<(), Refusal> {
    let (wanted, held) = (next.base_currency, in_force.base_currency);
    if wanted == held { Ok(()) } else { Err(Refusal::OtherBaseCurrency { wanted, held }) }
}

impl Engine {
    /// What another bundle is laid out for.
    pub fn standing(&self) -> Standing {
        Standing { limits: self.limits.clone() }
    }

    /// The bundle that an activation put in force, if there was one.
    pub fn in_force(&self) -> Option<BundleDigest> {
        self.governance.in_force
    }

    /// In replay: decides under the bundle that was activated last, if this is it.
    pub fn follow(&mut self, bundle: &Arc<Bundle>) {
        if self.in_force() != Some(bundle.hash) || self.bundle.hash == bundle.hash {
            return;
        }
        if let Ok(prepared) = self.standing().prepare(Arc::clone(bundle), &BTreeMap::new()) {
            self.switch(prepared);
        }
    }

    /// Decides under another bundle from the next input on. Windows that both have stay; the caller
    /// has seen that they can be carried over.
    pub(super) fn switch(&mut self, prepared: Prepared) -> Retired {
        self.carry(&prepared);
        let Prepared { bundle, plan, row, mut questions, .. } = prepared;
        if questions.is_empty() {
            questions = Question::all(&bundle.lists, &self.lists.lists);
        }
        self.current = self.introduce(Made::of(&bundle));
        self.row = row;
        self.hits.clear();
        let retired = Retired {
            _bundle: std::mem::replace(&mut self.bundle, bundle),
            _plan: std::mem::replace(&mut self.plan, plan),
            _questions: std::mem::replace(&mut self.questions, questions),
        };
        self.mark_off();
        retired
    }
}

/// The plan of a bundle's features.
pub(super) fn plan(bundle: &Bundle) -> Result<FeaturePlan, Vec<PlanFault>> {
    let options = PlanOptions { zone: bundle.zone.clone(), exact_events: bundle.exact };
    FeaturePlan::compile(&bundle.aggregates, &bundle.schema, bundle.builtins.clone(), &options)
}

/// Refuses a bundle whose features need more than a page of memory a key.
pub fn check_plan(bundle: &Bundle) -> Result<(), Vec<PlanFault>> {
    plan(bundle).map(drop)
}

/// A bundle as the journal keeps it.
pub(super) fn stored(bundle: &Bundle, files: &BTreeMap<String, Vec<u8>>) -> StoredBundle {
    let file = |(path, content): (&String, &Vec<u8>)| BundleFile {
        path: path.clone(),
        content: content.clone(),
    };
    let reason = |(id, (code, _)): (usize, &(String, String))| (ReasonId(id as u16), code.clone());
    StoredBundle {
        hash: BundleHash(bundle.hash),
        files: files.iter().map(file).collect(),
        reasons: bundle.reasons.iter().enumerate().map(reason).collect(),
        ..StoredBundle::default()
    }
}
