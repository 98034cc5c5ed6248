//! `tidegate rules schema`: JSON Schemas for editors.

use clap::builder::PossibleValuesParser;

use super::source::print;
use super::{CLEAN, WRONG};
use crate::bundle::SchemaOf;

/// Print the JSON Schema of a file of a bundle, for completion and checks in an editor
///
/// `lists` is the schema of bundle.yaml, which declares them.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules schema rules > rules.schema.json\n  then, on the \
                        first line of a file: # yaml-language-server: $schema=rules.schema.json"
)]
pub(super) struct Args {
    /// Which file
    #[arg(value_parser = PossibleValuesParser::new(SchemaOf::NAMED.map(|(name, _)| name)))]
    of: String,
}

pub(super) fn run(args: &Args) -> u8 {
    match SchemaOf::NAMED.iter().find(|(name, _)| *name == args.of) {
        Some((_, of)) => CLEAN + print(of.document().trim_end()),
        None => WRONG,
    }
}
