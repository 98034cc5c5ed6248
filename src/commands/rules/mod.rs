//! `tidegate rules`: what an analyst asks of a rules directory.

mod source;
mod check;
mod test;
mod junit;
mod lint;
mod diff;
mod schema;
mod player;
mod eval;
mod eval_value;
mod activation;

use std::process::ExitCode;

use clap::Subcommand;

pub(super) use test::try_cases;

/// Check, test, try out and measure the rules
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Test(test::Args),
    Lint(lint::Args),
    Diff(diff::Args),
    Schema(schema::Args),
    Eval(eval::Args),
    Backtest(Box<super::backtest::Args>),
    Sweep(Box<super::sweep::Args>),
    Activate(Box<activation::Activate>),
    Approve(Box<activation::Approve>),
    Rollback(Box<activation::Rollback>),
    Off(Box<activation::Off>),
}

/// Done and clean.
const CLEAN: u8 = 0;
/// Done, with findings: a case failed or is missing, an expression has no value.
const FINDINGS: u8 = 1;
/// The rules, the expression or the event are wrong.
const WRONG: u8 = 2;
/// The directory could not be read, or the answer not be written.
const OUTSIDE: u8 = 3;

/// Runs the command; the exit codes are those of DESIGN section 11.
pub fn run(args: &Args) -> ExitCode {
    ExitCode::from(match &args.command {
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Backtest(args) => super::backtest::run(args),
        Command::Sweep(args) => super::sweep::run(args),
        Command::Activate(args) => activation::activate(args),
        Command::Approve(args) => activation::approve(args),
        Command::Rollback(args) => activation::rollback(args),
        Command::Off(args) => activation::off(args),
    })
}
