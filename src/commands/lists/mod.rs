//! `tidegate lists`: who stands on which list. Values are tokenised as they are read, and never
//! shown again.

mod values;
mod sheet;
mod change;
mod show;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use super::control::{At, moment};
use super::report::Fault;
use crate::domain::{EventTime, ListSource, Provenance};

/// Block, allow and watch lists: add, remove, import, show.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Put the values that you type on a list; from a pipe, one a line
    #[command(
        after_help = "Example:\n  tidegate lists add stolen_cards --config tidegate.toml \\\n    \
                            --source chargeback --reason 'case 17' --approver wang \\\n    --appeal \
                            'https://example.com/appeal/17' --expires 2027-12-31T00:00:00+08:00"
    )]
    Add(Add),
    /// Take the values that you type from a list; from a pipe, one a line
    #[command(
        after_help = "Example:\n  tidegate lists remove stolen_cards --config tidegate.toml \
                            \\\n    --source appeal --reason 'appeal 17 was right' --approver wang \
                            \\\n    --appeal 'https://example.com/appeal/17'"
    )]
    Remove(Remove),
    /// Put the values of a CSV file on a list: columns `value` and, if they differ, `expires`
    #[command(after_help = "Example:\n  tidegate lists import stolen_cards --file cards.csv \
                            --config tidegate.toml \\\n    --source partner --legal-basis 'contract \
                            7' --reason 'feed of May' --approver wang \\\n    --appeal \
                            'https://example.com/appeal' --expires 2027-12-31T00:00:00+08:00")]
    Import(Import),
    /// Show the lists and their sizes, or one list's entries as tokens, with why they are there
    #[command(after_help = "Example:\n  tidegate lists show stolen_cards --value --config \
                            tidegate.toml --json")]
    Show(show::Show),
}

#[derive(clap::Args, Clone, Debug)]
struct Add {
    /// The list's name in the bundle
    list: String,
    /// The first moment at which the entries hold no more (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires: EventTime,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    at: At,
}

#[derive(clap::Args, Clone, Debug)]
struct Remove {
    /// The list's name in the bundle
    list: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    at: At,
}

#[derive(clap::Args, Clone, Debug)]
struct Import {
    /// The list's name in the bundle
    list: String,
    /// The file
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// When the entries end that do not say so themselves (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires: Option<EventTime>,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    at: At,
}

/// Why a list changes: every change names it.
#[derive(clap::Args, Clone, Debug)]
struct Why {
    /// From what it is known: investigation, chargeback, customer_report, issuer_alert, regulator,
    /// partner, model_score (never alone), appeal; may be given more than once
    #[arg(long = "source", value_name = "WORD", required = true, value_parser = source)]
    sources: Vec<ListSource>,
    /// Why, in a sentence without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who agrees: another person than you
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Where the one concerned can object
    #[arg(long, value_name = "TEXT")]
    appeal: String,
    /// Why a partner may say so; needed with --source partner
    #[arg(long, value_name = "TEXT", default_value = "")]
    legal_basis: String,
}

impl Why {
    fn provenance(&self, creator: &str, batch: u64) -> Result<Provenance, Fault> {
        let provenance = Provenance {
            sources: self.sources.clone(),
            reason: self.reason.clone(),
            creator: creator.to_owned(),
            approver: self.approver.clone(),
            appeal: self.appeal.clone(),
            legal_basis: self.legal_basis.clone(),
            batch,
        };
        provenance.check().map_err(|fault| Fault::Wrong(fault.to_string()))?;
        Ok(provenance)
    }
}

fn source(text: &str) -> Result<ListSource, String> {
    ListSource::parse(text).ok_or_else(|| {
        let names: Vec<_> = ListSource::ALL.iter().map(|source| source.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// Runs the command: 0 done, 2 refused, 3 something outside failed.
pub fn run(args: &Args) -> ExitCode {
    let done = match &args.command {
        Command::Add(add) => change::add(add),
        Command::Remove(remove) => change::remove(remove),
        Command::Import(import) => change::import(import),
        Command::Show(show) => show::show(show),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => ExitCode::from(fault.told("lists")),
    }
}
