//! What lines run through: by flags, or by a service's own configuration.

use std::path::{Path, PathBuf};

use super::LinesError;
use crate::commands::prepare::{self, Means, Prepared, prepare};
use crate::config::{BundleFrom, KeysFrom};
use crate::edges::admin;
use crate::edges::keys::Keys;
use crate::edges::snapshots;
use crate::edges::tables::TablePaths;
use crate::engine::EngineLimits;
use crate::journal::{Durability, Opening};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::mask::Profile;

/// The flags that `score` and `import` share.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::commands) struct Through {
    /// The service's configuration: its keys, rules, tables, limits and profile
    #[arg(long, value_name = "FILE", group = "keyed", conflicts_with_all = ["rules", "tables"])]
    config: Option<PathBuf>,
    /// A key file (see `tidegate keys init`)
    #[arg(long, value_name = "FILE", group = "keyed")]
    keys: Option<PathBuf>,
    /// A rules directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// A directory with reference tables: city.mmdb, asn.mmdb, networks.csv, bin.csv,
    /// merchants.csv, terminals.csv, fx.csv, hosts.csv
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
}

/// Where the journal is.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum JournalAt<'a> {
    /// There is none.
    Nowhere,
    /// In this directory.
    Dir(&'a Path),
    /// Where the configuration says.
    Configured,
}

/// Checked and loaded.
pub(in crate::commands) struct Setting {
    pub(in crate::commands) means: Means,
    /// Directory, size of a segment, durability.
    pub(in crate::commands) journal: Option<(PathBuf, u64, Durability)>,
    pub(in crate::commands) door: Door,
    pub(in crate::commands) times: TimeLimits,
    pub(in crate::commands) limits: EngineLimits,
    pub(in crate::commands) profile: Profile,
    pub(in crate::commands) snapshots: snapshots::Settings,
    pub(in crate::commands) admin: admin::Settings,
}

impl Through {
    /// The service's configuration, where one is named.
    pub(in crate::commands) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// As `--config FILE`.
    #[cfg(test)]
    pub(in crate::commands) fn configured(file: &Path) -> Self {
        Self { config: Some(file.to_owned()), keys: None, rules: None, tables: None }
    }

    /// The rules that are named, else the shipped ones.
    pub(in crate::commands) fn rules(&self) -> BundleFrom {
        self.rules.clone().map_or(BundleFrom::Shipped, BundleFrom::Dir)
    }

    /// Loads all of it, or says all that is wrong with it.
    pub(in crate::commands) fn open(&self, at: JournalAt<'_>) -> Result<Setting, LinesError> {
        let mut setting = match &self.config {
            Some(file) => prepare(file).map(Setting::configured),
            None => self.by_flags(),
        }
        .map_err(LinesError::Setting)?;
        setting.journal = match at {
            JournalAt::Nowhere => None,
            JournalAt::Configured => setting.journal,
            JournalAt::Dir(dir) => {
                let how = setting.journal.map(|(_, bytes, durability)| (bytes, durability));
                let (bytes, durability) =
                    how.unwrap_or((Opening::SEGMENT_BYTES, Durability::Written));
                Some((dir.to_owned(), bytes, durability))
            }
        };
        Ok(setting)
    }

    fn by_flags(&self) -> Result<Setting, Vec<prepare::Finding>> {
        let keys = match &self.keys {
            Some(path) => prepare::keys(&KeysFrom::File(path.clone())),
            None => Ok(Keys::demo()),
        };
        if let Some(dir) = self.tables.as_deref().filter(|dir| !dir.is_dir()) {
            let message = "no such directory: --tables names one with reference tables".to_owned();
            let file = dir.display().to_string();
            return Err(vec![prepare::Finding { file, line: None, key: None, message }]);
        }
        let paths = self.tables.as_deref().map(TablePaths::in_dir).unwrap_or_default();
        Ok(Setting {
            means: Means::load(keys, &self.rules(), &paths)?,
            journal: None,
            door: Door::default(),
            times: TimeLimits::default(),
            limits: EngineLimits::default(),
            profile: Profile::shipped("default").expect("the default profile is shipped"),
            snapshots: snapshots::Settings::default(),
            admin: admin::Settings::default(),
        })
    }
}

impl Setting {
    fn configured(prepared: Prepared) -> Self {
        let Prepared { config, means, profile } = prepared;
        let journal = config.journal;
        Self {
            means,
            journal: Some((journal.dir, journal.segment_bytes, journal.durability)),
            door: config.limits.door,
            times: config.limits.time,
            limits: config.limits.engine,
            profile,
            snapshots: config.snapshots,
            admin: config.admin,
        }
    }
}
