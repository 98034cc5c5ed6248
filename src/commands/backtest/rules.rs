//! Rules to be measured: a directory, or what is compiled in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::bundle::{Bundle, shipped_files};
use crate::commands::report::Fault;
use crate::domain::{Action, FollowUps, Force};
use crate::edges::bundle_files;
use crate::stages::rules::{Mode, Rule};

/// A bundle and the files that it was compiled from.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Rules {
    pub(in crate::commands) bundle: Arc<Bundle>,
    pub(in crate::commands) files: BTreeMap<String, Vec<u8>>,
}

impl Rules {
    /// Reads and compiles a directory; without one, the rules that are compiled in.
    pub(in crate::commands) fn open(dir: Option<&Path>) -> Result<Self, Fault> {
        let files = match dir {
            None => shipped_files(),
            Some(dir) => {
                bundle_files::read(dir).map_err(|error| Fault::Wrong(error.to_string()))?
            }
        };
        Self::compile(files, dir)
    }

    /// Compiles files; every fault with the directory before its file.
    pub(in crate::commands) fn compile(
        files: BTreeMap<String, Vec<u8>>,
        dir: Option<&Path>,
    ) -> Result<Self, Fault> {
        match Bundle::compile(&files) {
            Ok(bundle) => Ok(Self { bundle: Arc::new(bundle), files }),
            Err(faults) => {
                let dir = dir.map_or_else(String::new, |dir| format!("{}/", dir.display()));
                let texts: Vec<_> = faults.iter().map(|fault| format!("{dir}{fault}")).collect();
                Err(Fault::Wrong(texts.join("\n")))
            }
        }
    }
}

/// Whether a rule asks for more than a weight: an answer or a person.
pub(in crate::commands) fn acts(rule: &Rule) -> bool {
    let effect = &rule.effect;
    effect.force == Force::HardBlock
        || effect.action.is_some_and(|action| action > Action::Approve)
        || effect.follow_ups != FollowUps::default()
}

/// The mode's word in reports.
pub(in crate::commands) const fn mode(rule: &Rule) -> &'static str {
    match rule.mode {
        Mode::Live => "live",
        Mode::Shadow => "shadow",
        Mode::Canary(_) => "canary",
        Mode::Off => "off",
    }
}
