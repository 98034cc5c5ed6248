//! `tidegate lists`: who stands on which list, proposed by one person and approved by another. Values
//! are tokenised as they are read, and never shown again.

mod networks;
mod values;
mod sheet;
mod change;
mod show;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use super::control::{At, moment};
use crate::domain::{EventTime, ListSource};

/// Block, allow and watch lists: add, remove, import, approve, show.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Propose to put the values that you type on a list; from a pipe, one a line
    #[command(
        after_help = "Example:\n  tidegate lists add stolen_cards --config tidegate.toml \\\n    \
                            --source chargeback --reason 'case 17' \\\n    --appeal \
                            'https://example.com/appeal/17' --expires 2027-12-31T00:00:00+08:00"
    )]
    Add(Add),
    /// Propose to take the values that you type from a list; from a pipe, one a line
    #[command(
        after_help = "Example:\n  tidegate lists remove stolen_cards --config tidegate.toml \
                            \\\n    --source appeal --reason 'appeal 17 was right' \
                            \\\n    --appeal 'https://example.com/appeal/17'"
    )]
    Remove(Remove),
    /// Propose to put the values of a CSV file on a list: columns `value` and, if they differ, `expires`
    #[command(after_help = "Example:\n  tidegate lists import stolen_cards --file cards.csv \
                            --config tidegate.toml \\\n    --source partner --legal-basis 'contract \
                            7' --reason 'feed of May' \\\n    --appeal \
                            'https://example.com/appeal' --expires 2027-12-31T00:00:00+08:00")]
    Import(Import),
    /// Put a proposed change of a list in force, as another person than who proposed it
    #[command(
        after_help = "Example:\n  tidegate lists approve 1f0c9a2b77ab --config tidegate.toml\n\nA \
                      signature is made over the text that the proposal has printed."
    )]
    Approve(Approve),
    /// Show the changes of lists that wait for an approver
    #[command(after_help = "Example:\n  tidegate lists waiting --config tidegate.toml")]
    Waiting(Wait),
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
    /// You alone, at once: where the bundle grants it, for entries that end soon by themselves
    #[arg(long)]
    emergency: bool,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    at: At,
}

/// Put a proposed change in force, as another person than who proposed it.
#[derive(clap::Args, Clone, Debug)]
struct Approve {
    /// The change's name, or its first 8 digits and more
    change: String,
    /// An Ed25519 signature by an approver's key, as 128 hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "expires")]
    signature: Option<String>,
    /// When the signature ends, as it was signed (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "signature")]
    expires: Option<String>,
    #[command(flatten)]
    at: At,
}

/// Show what waits for an approver.
#[derive(clap::Args, Clone, Debug)]
struct Wait {
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
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
    /// You alone, at once: where the bundle grants it, for entries that end soon by themselves
    #[arg(long)]
    emergency: bool,
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
    /// No longer taken: another person approves by `tidegate lists approve`
    #[arg(long, hide = true, value_name = "NAME", value_parser = no_word)]
    approver: Option<String>,
    /// Where the one concerned can object
    #[arg(long, value_name = "TEXT")]
    appeal: String,
    /// Why a partner may say so; needed with --source partner
    #[arg(long, value_name = "TEXT", default_value = "")]
    legal_basis: String,
}

/// An approver is somebody who approves, and no word of who asks.
fn no_word(_: &str) -> Result<String, &'static str> {
    Err(
        "another person approves the change by himself: leave this out, and see `tidegate lists approve`",
    )
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
        Command::Approve(approve) => change::approve(approve),
        Command::Waiting(wait) => change::waiting(wait),
        Command::Show(show) => show::show(show),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => ExitCode::from(fault.told("lists")),
    }
}
