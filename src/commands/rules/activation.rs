//! `tidegate rules activate, approve, rollback, off`: what decides, changed by people.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use super::{CLEAN, OUTSIDE, WRONG, test};
use crate::commands::control::At;
use crate::commands::report::Fault;
use crate::edges::admin::{Answer, Request};
use crate::edges::bundle_files;

/// What became of a proposal.
const PROPOSED: &str = "proposed";
/// `sha256:` and as many digits as tell bundles apart.
const SHORT: usize = 19;

/// Propose a rules directory: checked, tried and stored; another person approves it
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules activate rules/ --config tidegate.toml\n\nPrints \
                        the bundle's hash and what it changes."
)]
pub(super) struct Activate {
    /// The rules directory
    directory: PathBuf,
    #[command(flatten)]
    answer: How,
}

/// Put a proposed bundle in force, as another person than who proposed it
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules approve sha256:1f0c9a2b --config tidegate.toml\n\n\
                        A signature is made over the text that `tidegate rules activate` has \
                        printed: it names journal, proposal, what is replaced, and an end."
)]
pub(super) struct Approve {
    /// The bundle's hash, or its first 8 digits and more
    bundle: String,
    /// An Ed25519 signature by an approver's key, as 128 hexadecimal digits
    #[arg(long, value_name = "HEX", requires_all = ["proposal", "expires"])]
    signature: Option<String>,
    /// The input that proposed it, as it was signed
    #[arg(long, value_name = "N", requires = "signature")]
    proposal: Option<u64>,
    /// When the signature ends, as it was signed (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "signature")]
    expires: Option<String>,
    #[command(flatten)]
    answer: How,
}

/// Put a bundle in force again that was in force before
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules rollback sha256:77ab03d1 --config tidegate.toml"
)]
pub(super) struct Rollback {
    /// The bundle's hash, or its first 8 digits and more
    bundle: String,
    #[command(flatten)]
    answer: How,
}

/// Switch a rule of the bundle in force off, until a bundle changes it
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules off K1 --reason 'blocks a whole bank' --config \
                        tidegate.toml"
)]
pub(super) struct Off {
    /// The rule's id
    rule: String,
    /// Why, in a sentence without personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    answer: How,
}

#[derive(clap::Args, Clone, Debug)]
struct How {
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// Runs `activate`.
pub(super) fn activate(args: &Activate) -> u8 {
    // The service tries cases by values; those by events are played here, where tables are at hand.
    if let Err(code) = test::pass(&args.directory) {
        return code;
    }
    let files = bundle_files::read(&args.directory).map_err(|error| error.to_string());
    let texts = files.and_then(|files| {
        let text = |(name, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(format!("{}: {name} is not UTF-8", args.directory.display())),
        };
        files.into_iter().map(text).collect::<Result<BTreeMap<_, _>, _>>()
    });
    match texts {
        Ok(files) => ask(&Request::Propose { files }, &args.answer, PROPOSED),
        Err(error) => {
            eprintln!("tidegate rules: {error}");
            WRONG
        }
    }
}

/// Runs `approve`.
pub(super) fn approve(args: &Approve) -> u8 {
    let (bundle, signature) = (args.bundle.clone(), args.signature.clone());
    let (proposal, expires) = (args.proposal, args.expires.clone());
    ask(&Request::Approve { bundle, signature, proposal, expires }, &args.answer, "in force")
}

/// Runs `rollback`.
pub(super) fn rollback(args: &Rollback) -> u8 {
    ask(&Request::Rollback { bundle: args.bundle.clone() }, &args.answer, "in force again")
}

/// Runs `off`.
pub(super) fn off(args: &Off) -> u8 {
    let (rule, reason) = (args.rule.clone(), args.reason.clone());
    ask(&Request::SwitchOff { rule, reason }, &args.answer, "switched off")
}

fn ask(request: &Request, how: &How, done: &str) -> u8 {
    let asked = how.at.open().and_then(|mut way| {
        let answer = way.ask(request)?;
        way.finish().map(|()| answer)
    });
    let written = asked.and_then(|answer| tell(&answer, how.json, done));
    match written {
        Ok(()) => CLEAN,
        Err(fault) => {
            eprintln!("tidegate rules: {fault}");
            // A damaged journal is no finding of this command.
            fault.code().clamp(WRONG, OUTSIDE)
        }
    }
}

fn tell(answer: &Answer, json: bool, done: &str) -> Result<(), Fault> {
    if json {
        let text = sonic_rs::to_string(answer).unwrap_or_default();
        return writeln!(std::io::stdout(), "{text}").map_err(Fault::file("standard output"));
    }
    let next = match (&answer.bundle, done) {
        (Some(bundle), PROPOSED) => {
            let short = bundle.get(..SHORT).unwrap_or(bundle);
            format!("another person puts it in force: tidegate rules approve {short}\n")
        }
        _ => String::new(),
    };
    let mut text = match &answer.bundle {
        Some(bundle) => format!("{bundle}\n{done}, input {}\n", answer.seq.unwrap_or(0)),
        None => format!("{done}, input {}\n", answer.seq.unwrap_or(0)),
    };
    for (what, rules) in
        [("added", &answer.added), ("removed", &answer.removed), ("changed", &answer.changed)]
    {
        if !rules.is_empty() {
            text.push_str(&format!("{what}: {}\n", rules.join(", ")));
        }
    }
    for finding in &answer.findings {
        text.push_str(&format!("look at: {finding}\n"));
    }
    text.push_str(&next);
    if let Some(signed) = &answer.to_sign {
        text.push_str("an approver's key signs this text, line ends included:\n");
        text.push_str(signed);
    }
    std::io::stderr().write_all(text.as_bytes()).map_err(Fault::file("standard error"))
}
