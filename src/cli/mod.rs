//! The command line: one file per verb; results go to standard output, findings and progress to standard error.

mod build;
mod check;
mod console;
mod device;
mod eval;
mod explain;
mod predict;
mod screen;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::Console;

/// Compiles, trains and evaluates attention-based recommender models from one YAML file.
#[derive(Debug, Parser)]
#[command(name = "specrec", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Build(build::Arguments),
    Check(check::Arguments),
    Eval(eval::Arguments),
    Explain(explain::Arguments),
    Predict(predict::Arguments),
    Train(train::Arguments),
}

/// How a command ended; its number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// It did what was asked for.
    Success = 0,
    /// Errors were found, and printed.
    Failure = 1,
    /// The arguments make no sense; clap gives the same code for those it finds.
    Usage = 2,
    /// It was stopped by a signal, in good order.
    Interrupted = 130,
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A fault of the program is reported below; the usual message speaks of threads and backtraces.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let console = Console::new();
    let exit = std::panic::catch_unwind(|| run(arguments, &console)).unwrap_or_else(|panic| {
        console.fault(&panic);
        Exit::Failure
    });
    ExitCode::from(exit as u8)
}

fn run(arguments: Arguments, console: &Console) -> Exit {
    match arguments.verb {
        Verb::Build(arguments) => build::run(&arguments, console),
        Verb::Check(arguments) => check::run(&arguments, console),
        Verb::Eval(arguments) => eval::run(&arguments, console),
        Verb::Explain(arguments) => explain::run(&arguments, console),
        Verb::Predict(arguments) => predict::run(&arguments, console),
        Verb::Train(arguments) => train::run(&arguments, console),
    }
}
