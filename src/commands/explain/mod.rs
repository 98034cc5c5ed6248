//! `tidegate explain`: one decision's whole story, from the journal alone.

mod find;
mod condition;
mod near;
mod rules;
mod features;
mod story;
mod tell;
mod document;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::replay::OriginArgs;
use super::report::{Fault, Limits, html, print};

use self::document::Detail;
use self::story::Story;

/// Tell one decision's whole story: facts, features with the events behind them, rules, plan.
///
/// The engine is brought to where it stood just before the event and decides it once more, so every
/// value is the one that the rules saw. Rules that fired are shown with the values of their parts,
/// and those that nearly fired: all else held, and one number lay within 20 % of its threshold or one
/// event short of it. No key is needed: entities are shown as tokens.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Exit code: 0 told, and what is told is what the journal says; 1 the decision \
                  comes out differently now; 2 no such event or wrong usage; 3 the disk failed.\
                  \n\nExample:\n  tidegate explain ORDER-20260302-8812 \\\n    --journal \
                  /var/lib/tidegate/journal --html story.html"
)]
pub struct Args {
    /// The event's id
    event: String,
    /// The journal's directory
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    origin: OriginArgs,
    /// The story as one JSON document on standard output
    #[arg(long)]
    json: bool,
    /// The story as one self-contained page, with everything that the terminal leaves out
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs it: 0 when the story is told, 1 when the decision comes out differently or the journal is
/// damaged, 2 when there is no such event, 3 when a disk fails.
pub fn run(args: &Args) -> ExitCode {
    match explain(args).and_then(|story| answer(args, &story).map(|()| story)) {
        Ok(story) => ExitCode::from(u8::from(!story.reproduced)),
        Err(fault) => ExitCode::from(fault.told("explain")),
    }
}

fn explain(args: &Args) -> Result<Story, Fault> {
    tell::story(&args.journal, &args.event, (&args.limits.engine()?, args.origin.origin()))
}

fn answer(args: &Args, story: &Story) -> Result<(), Fault> {
    if let Some(path) = &args.html {
        let page = html(&document::of(story, Detail::Everything));
        std::fs::write(path, page).map_err(Fault::file(path.display().to_string()))?;
    }
    if args.json {
        let text = sonic_rs::to_string(story).map_err(|error| Fault::File {
            path: "the story".to_owned(),
            error: io::Error::other(error),
        })?;
        writeln!(io::stdout().lock(), "{text}").map_err(Fault::file("standard output"))
    } else {
        let document = document::of(story, Detail::WhatMatters);
        print(&document).map_err(Fault::file("standard error"))
    }
}
