//! `tidegate check`: everything that `run` would refuse, all at once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::assemble::NAMESPACE;
use super::no_rate::{self, NEWEST};
use super::prepare::{Finding, Prepared, prepare};
use crate::config::KeysFrom;
use crate::edges::{admin, users};
use crate::journal::KeyUse;

/// Check a configuration and all that it names: keys, rules, tables, profiles
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate check --config tidegate.toml && systemctl restart tidegate"
)]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Report<'a> {
    config: String,
    clean: bool,
    faults: &'a [Finding],
    /// Inputs among the journal's newest by currencies that have no exchange rate.
    no_rate_by: &'a BTreeMap<String, u64>,
}

/// Runs the command: 0 clean, 2 with faults.
pub fn run(args: &Args) -> ExitCode {
    let mut no_rate_by = BTreeMap::new();
    let checked = prepare(&args.config).and_then(|prepared| {
        // A journal that cannot be read is what `run` speaks of.
        let seen = no_rate::seen(&prepared.config.journal.dir, &prepared.means);
        no_rate_by = seen.unwrap_or_default();
        let strangers = strangers(&args.config, &prepared.config.admin);
        match fits_journal(prepared) {
            Ok(()) if strangers.is_empty() => Ok(()),
            Ok(()) => Err(strangers),
            Err(faults) => Err(faults.into_iter().chain(strangers).collect()),
        }
    });
    let faults = checked.err().unwrap_or_default();
    if args.json {
        let config = args.config.display().to_string();
        let clean = faults.is_empty();
        let report = Report { config, clean, faults: &faults, no_rate_by: &no_rate_by };
        // Numbers and texts: nothing that could fail to become JSON.
        let text = sonic_rs::to_string(&report).unwrap_or_default();
        if writeln!(std::io::stdout(), "{text}").is_err() {
            return ExitCode::from(3);
        }
    } else {
        report(&args.config, &faults);
        for (currency, count) in &no_rate_by {
            // As above.
            let _ = writeln!(
                std::io::stderr(),
                "note: {count} of the newest {NEWEST} inputs are in {currency}, which has no exchange \
                 rate: the policy's `no_rate` answers them"
            );
        }
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// Refuses keys that are not those of the journal, which `run` refuses when it opens it.
fn fits_journal(prepared: Prepared) -> Result<(), Vec<Finding>> {
    let Prepared { config, means, profile: _ } = prepared;
    match means.keys.check_journal(&config.journal.dir, NAMESPACE, KeyUse::Append) {
        Err(error) if error.is_other_key() => Err(vec![Finding {
            file: match &config.keys {
                KeysFrom::File(path) => path.display().to_string(),
                KeysFrom::Env(name) => format!("environment variable {name}"),
            },
            line: None,
            key: None,
            message: error.to_string(),
        }]),
        // What else may be wrong with it is not a matter of the configuration.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Names that nobody on this machine can have: whoever was meant would never be let in.
pub(super) fn strangers(config: &std::path::Path, admin: &admin::Settings) -> Vec<Finding> {
    let file = config.display().to_string();
    let unknown = admin.people.users.iter().filter(|(name, _)| !users::is_known(name));
    let finding = |(name, role): &(String, admin::Role)| Finding {
        file: file.clone(),
        message: format!(
            "[admin]: no user `{}` on this machine, who is to be {}: name a user of /etc/passwd, or \
             the number of another one",
            name.escape_debug(),
            role.name()
        ),
        line: None,
        key: None,
    };
    unknown.map(finding).collect()
}

/// Tells people.
pub(super) fn report(config: &std::path::Path, faults: &[Finding]) {
    let mut err = std::io::stderr().lock();
    for fault in faults {
        // Where standard error is closed nobody reads along.
        let _ = writeln!(err, "{fault}");
    }
    let _ = match faults.len() {
        0 => writeln!(err, "{}: nothing to correct", config.display()),
        1 => writeln!(err, "1 fault"),
        many => writeln!(err, "{many} faults"),
    };
}
