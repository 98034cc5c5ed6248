//! `tidegate rules diff`: what has changed between two rules directories.

use std::path::PathBuf;

use serde::Serialize;

use super::source::{self, answer};
use crate::bundle::Change;

/// Say what has changed between two rules directories, as an analyst would
///
/// What means the same is no change: other spaces, a constant in place of its value.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  tidegate rules diff rules/ new-rules/\n  tidegate rules diff new-rules/"
)]
pub(super) struct Args {
    /// The old rules; with one directory only, it is the new one and the old are those compiled in
    #[arg(value_name = "OLD")]
    first: PathBuf,
    /// The new rules
    #[arg(value_name = "NEW")]
    second: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let (old, new) = match &args.second {
        Some(second) => (Some(args.first.as_path()), second.as_path()),
        None => (None, args.first.as_path()),
    };
    let both = source::bundle(old).and_then(|(old, _)| Ok((old, source::bundle(Some(new))?.0)));
    let (old, new) = match both {
        Ok(both) => both,
        Err(error) => return error.tell(args.json),
    };
    let changes = old.changes_to(&new);
    let report = Report {
        ok: true,
        old: old.name(),
        new: new.name(),
        changes: changes.iter().map(ChangeReport::of).collect(),
    };
    answer(args.json, &report, &text(&changes, old.hash == new.hash))
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Serialize)]
struct Report<'c> {
    ok: bool,
    old: String,
    new: String,
    changes: Vec<ChangeReport<'c>>,
}

#[derive(Debug, Serialize)]
struct ChangeReport<'c> {
    kind: &'static str,
    subject: &'c str,
    file: &'c str,
    text: &'c str,
}

impl<'c> ChangeReport<'c> {
    fn of(change: &'c Change) -> Self {
        let Change { kind, subject, file, text } = change;
        Self { kind: kind.name(), subject, file, text }
    }
}

fn text(changes: &[Change], is_same: bool) -> String {
    if changes.is_empty() {
        return match is_same {
            true => "the same files\n".into(),
            false => "other files that mean the same\n".into(),
        };
    }
    let mut text = String::new();
    changes.iter().for_each(|change| text.push_str(&format!("{}\n", change.text)));
    let noun = if changes.len() == 1 { "change" } else { "changes" };
    text.push_str(&format!("{} {noun}\n", changes.len()));
    text
}
