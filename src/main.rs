//! Arguments to one command to an exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate::commands;

/// Allocations are few and outside the hot path; this allocator keeps them from growing apart.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Real-time risk control for payments.
#[derive(Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[cfg(feature = "kafka")]
    Demo(commands::demo::Args),
    #[cfg(feature = "kafka")]
    Run(commands::run::Args),
    Check(commands::check::Args),
    Score(commands::score::Args),
    Import(commands::import::Args),
    Generate(commands::generate::Args),
    Rules(commands::rules::Args),
    Replay(commands::replay::Args),
    Explain(commands::explain::Args),
    Audit(commands::audit::Args),
    Keys(commands::keys::Args),
    Lists(commands::lists::Args),
}

fn main() -> ExitCode {
    commands::keep_private();
    match Cli::parse().command {
        #[cfg(feature = "kafka")]
        Command::Demo(args) => commands::demo::run(&args),
        #[cfg(feature = "kafka")]
        Command::Run(args) => commands::run::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Score(args) => commands::score::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Generate(args) => commands::generate::run(args),
        Command::Rules(args) => commands::rules::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Audit(args) => commands::audit::run(args),
        Command::Keys(args) => commands::keys::run(args),
        Command::Lists(args) => commands::lists::run(&args),
    }
}
