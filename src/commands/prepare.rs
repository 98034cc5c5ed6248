//! All that a service needs before it starts, checked together: `check` and `run` refuse the same.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bundle::{self, Bundle, shipped_files};
use crate::config::{BundleFrom, Config, Fault, KeysFrom, SinkKind};
use crate::edges::bundle_files;
use crate::edges::keys::{KeyFault, Keys};
use crate::edges::tables::{TableFault, TablePaths, TableStore};
use crate::stages::mask::Profile;

/// One thing to correct, wherever it stands.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub(super) struct Finding {
    /// The file, or the environment variable.
    pub(super) file: String,
    /// The line, from 1.
    pub(super) line: Option<u64>,
    /// The key of the configuration.
    pub(super) key: Option<String>,
    /// What is wrong and what to do.
    pub(super) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self {
            file: fault.file.display().to_string(),
            line: fault.line.map(|line| line as u64),
            key: Some(fault.key).filter(|key| !key.is_empty()),
            message: fault.message,
        }
    }
}

impl From<TableFault> for Finding {
    fn from(fault: TableFault) -> Self {
        let file = fault.file.display().to_string();
        Self { file, line: fault.line, key: None, message: fault.what.to_string() }
    }
}

/// Checked and loaded; nothing runs yet.
pub(super) struct Prepared {
    pub(super) config: Config,
    pub(super) means: Means,
    pub(super) profile: Profile,
}

/// What events are read, tokenised and judged with.
pub(super) struct Means {
    pub(super) keys: Keys,
    pub(super) bundle: Arc<Bundle>,
    pub(super) bundle_files: BTreeMap<String, Vec<u8>>,
    pub(super) tables: Arc<TableStore>,
}

/// Loads everything that a configuration names, or says all that is wrong with it.
pub(super) fn prepare(file: &Path) -> Result<Prepared, Vec<Finding>> {
    let (config, faults) = Config::examine(file);
    let mut findings: Vec<Finding> = faults.0.into_iter().map(Finding::from).collect();
    let Some(config) = config else { return Err(findings) };
    // What the configuration is blamed for, with its line, is not blamed once more.
    let is_named = findings.iter().any(|found| found.key.as_deref() == Some("bundle.dir"));
    let rules = if is_named { &BundleFrom::Shipped } else { &config.bundle };
    let mut note = |found: Vec<Finding>| findings.extend(found);
    let means = Means::load(keys(&config.keys), rules, &config.tables.paths);
    let means = means.map_err(&mut note).ok();
    let profile = profile(file, &config).map_err(&mut note).ok();
    #[cfg(feature = "kafka")]
    if !findings
        .iter()
        .any(|found| found.key.as_deref().is_some_and(|key| key.starts_with("kafka")))
    {
        findings.extend(client_faults(file, &config));
    }
    match (means, profile) {
        (Some(means), Some(profile)) if findings.is_empty() => {
            Ok(Prepared { config, means, profile })
        }
        _ => Err(findings),
    }
}

impl Means {
    /// Over a bundle that is compiled already, and its files.
    pub(super) fn of(
        keys: Keys,
        bundle: BundleAndFiles,
        paths: &TablePaths,
    ) -> Result<Self, Vec<Finding>> {
        let tables = Arc::new(tables(paths, Some(&keys))?);
        let (bundle, bundle_files) = bundle;
        tables.settle(bundle.base_currency).map_err(|fault| vec![Finding::from(*fault)])?;
        Ok(Self { keys, bundle: Arc::new(bundle), bundle_files, tables })
    }

    /// Loads rules and tables and puts the keys to them, or says all that is wrong with the three.
    pub(super) fn load(
        keys: Result<Keys, Vec<Finding>>,
        rules: &BundleFrom,
        paths: &TablePaths,
    ) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut note = |found: Vec<Finding>| findings.extend(found);
        let keys = keys.map_err(&mut note).ok();
        let bundle = bundle(rules).map_err(&mut note).ok();
        let tables = tables(paths, keys.as_ref()).map_err(&mut note).ok();
        match (keys, bundle, tables) {
            (Some(keys), Some((bundle, bundle_files)), Some(tables)) => {
                tables.settle(bundle.base_currency).map_err(|fault| vec![Finding::from(*fault)])?;
                let (bundle, tables) = (Arc::new(bundle), Arc::new(tables));
                Ok(Self { keys, bundle, bundle_files, tables })
            }
            _ => Err(findings),
        }
    }
}

/// Reads the keys.
pub(super) fn keys(from: &KeysFrom) -> Result<Keys, Vec<Finding>> {
    let keys = match from {
        KeysFrom::File(path) => Keys::from_file(path),
        KeysFrom::Env(name) => Keys::from_env(name),
    };
    keys.map_err(|error| {
        let file = error.from.to_string();
        let finding = |fault: &KeyFault| Finding {
            file: file.clone(),
            line: None,
            key: None,
            message: fault.to_string(),
        };
        error.faults.iter().map(finding).collect()
    })
}

pub(super) type BundleAndFiles = (Bundle, BTreeMap<String, Vec<u8>>);

/// Reads and compiles the rules.
pub(super) fn bundle(from: &BundleFrom) -> Result<BundleAndFiles, Vec<Finding>> {
    let (files, dir) = match from {
        BundleFrom::Shipped => (shipped_files(), PathBuf::from("(shipped rules)")),
        BundleFrom::Dir(dir) => {
            let files = bundle_files::read(dir).map_err(|error| {
                // It names the file that it is about.
                let (file, message) = (error.path().display().to_string(), error.why());
                vec![Finding { file, line: None, key: None, message }]
            })?;
            (files, dir.clone())
        }
    };
    let finding = |fault: &bundle::Fault| Finding {
        file: dir.join(&fault.file).display().to_string(),
        line: Some(u64::from(fault.at.line)).filter(|line| *line > 0),
        key: None,
        message: fault.message.clone(),
    };
    let bundle =
        Bundle::compile(&files).map_err(|faults| faults.iter().map(finding).collect::<Vec<_>>())?;
    Ok((bundle, files))
}

fn tables(paths: &TablePaths, keys: Option<&Keys>) -> Result<TableStore, Vec<Finding>> {
    // Registers are read through the keys. Where there are none nothing will run, and any keys do
    // to find the files' faults.
    let token_keys = keys.map_or_else(|| Keys::demo().token_keys(), Keys::token_keys);
    TableStore::load(paths, Arc::new(token_keys))
        .map_err(|faults| faults.into_iter().map(Finding::from).collect())
}

/// What the Kafka client that is built in does not take: it is made, and speaks to nobody.
#[cfg(feature = "kafka")]
fn client_faults(file: &Path, config: &Config) -> Vec<Finding> {
    let finding = |(key, message): (&str, String)| Finding {
        file: file.display().to_string(),
        line: None,
        key: Some(key.to_owned()),
        message,
    };
    crate::edges::kafka::refusals(&config.kafka).into_iter().map(finding).collect()
}

fn profile(file: &Path, config: &Config) -> Result<Profile, Vec<Finding>> {
    let sink = config.sinks.iter().find(|sink| sink.kind == SinkKind::Decision);
    let name = sink.and_then(|sink| sink.profile.as_deref()).unwrap_or_default();
    if name.is_empty() {
        // No sink, or none that can be read: that is said already.
        return Err(Vec::new());
    }
    Profile::shipped(name).ok_or_else(|| {
        let known = Profile::SHIPPED.join(", ");
        vec![Finding {
            file: file.display().to_string(),
            line: None,
            key: Some("sink.profile".to_owned()),
            message: format!("{name:?} is not a disclosure profile; there are {known}"),
        }]
    })
}
