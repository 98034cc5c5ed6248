//! `tidegate check`: everything that `run` would refuse, all at once.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::no_rate::{self, NEWEST, NoRate};
use super::prepare::{Finding, prepare};
use super::probe::{Probed, finding, probe};
use crate::journal::is_held;

/// Check a configuration and all that it names: keys, rules, tables, profiles, and what it needs of this
/// machine: journal, port, socket, users
///
/// Run it as the service's user: what may be read and written is asked in his name. Brokers are not
/// spoken to. Beside a running service it checks what a restart would find.
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
    /// Whether a process writes to the journal: this configuration's service, as a rule.
    in_use: bool,
    /// Inputs among the journal's newest by currencies that have no exchange rate.
    no_rate_by: &'a NoRate,
}

/// Runs the command: 0 clean, 2 with faults.
pub fn run(args: &Args) -> ExitCode {
    let Checked { faults, in_use, no_rate_by } = check(&args.config);
    if args.json {
        let config = args.config.display().to_string();
        let clean = faults.is_empty();
        let report = Report { config, clean, faults: &faults, in_use, no_rate_by: &no_rate_by };
        // Numbers and texts: nothing that could fail to become JSON.
        let text = sonic_rs::to_string(&report).unwrap_or_default();
        if writeln!(std::io::stdout(), "{text}").is_err() {
            return ExitCode::from(3);
        }
    } else {
        report(&args.config, &faults);
        for note in notes(in_use, &no_rate_by) {
            // Where standard error is closed nobody reads along.
            let _ = writeln!(std::io::stderr(), "note: {note}");
        }
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// What a check found.
#[derive(Default)]
struct Checked {
    faults: Vec<Finding>,
    in_use: bool,
    no_rate_by: NoRate,
}

fn check(file: &Path) -> Checked {
    let prepared = match prepare(file) {
        Ok(prepared) => prepared,
        Err(faults) => return Checked { faults, ..Checked::default() },
    };
    let Probed { mut faults, outside } = probe(file, &prepared);
    // Whoever writes the journal holds the port and the socket, too, and gives all three back.
    let journal = &prepared.config.journal.dir;
    let in_use = is_held(journal);
    let is_sound = outside.is_empty();
    if !in_use {
        faults.extend(outside);
    }
    let seen = no_rate::seen(journal, &prepared.means).unwrap_or_else(|error| {
        // What a segment's header tells was said above.
        if is_sound {
            faults.push(finding(file, "journal.dir", error.to_string()));
        }
        NoRate::new()
    });
    Checked { faults, in_use, no_rate_by: seen }
}

fn notes(in_use: bool, no_rate_by: &NoRate) -> Vec<String> {
    let used = "the journal is in use: a service runs, and what it holds (the journal, the port, the \
                socket) was not asked for";
    let no_rate = no_rate_by.iter().map(|(currency, count)| {
        format!(
            "{count} of the newest {NEWEST} inputs are in {currency}, which has no exchange rate: the \
             policy's `no_rate` answers them"
        )
    });
    in_use.then(|| used.to_owned()).into_iter().chain(no_rate).collect()
}

/// Tells people.
pub(super) fn report(config: &Path, faults: &[Finding]) {
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
