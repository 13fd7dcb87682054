//! `specrec train`: from a spec to a run directory with the best weights and the test metrics.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::Exit;
use super::console::Console;
use super::device::DeviceArguments;
use super::screen::{Screen, Stop};
use crate::diag::{Diags, Sources};
use crate::train::run_dir::Start;
use crate::{Options, Outcome};

/// Train a spec, validate after every epoch, and measure the best weights on the test part.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Spec file.
    spec: PathBuf,
    /// Replace a value: `--set train.batch=1024`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Seed of initial values, shuffles, dropout and draws; the spec's when absent.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run directory; `runs/NAME` when absent.
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on from the run directory's last checkpoint, to the bits of a run that was never stopped.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace a run that is already there.
    #[arg(long)]
    force: bool,
    /// A checkpoint every so many steps, besides those at validations and once a minute.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    /// Stop after this step with a checkpoint, as if interrupted.
    #[arg(long, value_name = "STEP", hide = true)]
    stop_after: Option<u64>,
    /// Measure what the time of a training step goes to: a table by block loop and by node at the end, and the last steps as
    /// `profile.json` in the run directory, for ui.perfetto.dev.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    device: DeviceArguments,
}

pub(super) fn run(arguments: &Arguments, console: &Console) -> Exit {
    let (mut sources, mut diags) = (Sources::default(), Diags::default());
    let outcome = trained(arguments, console, &mut sources, &mut diags);
    let exit = console.ended(&diags, &sources);
    let print_profile = |profile: Option<String>| {
        if let Some(profile) = profile {
            console.result(&format!("\n{profile}"));
        }
    };
    match outcome {
        Some(Outcome { dir, results: Some(results), profile, .. }) => {
            console.result(&results.to_string());
            print_profile(profile);
            console.note(&format!("the run is in {}", dir.display()));
            exit
        }
        Some(Outcome { progress, profile, .. }) => {
            print_profile(profile);
            console.note(&format!("stopped after step {}; `--resume` goes on from there", progress.step));
            Exit::Interrupted
        }
        None => exit,
    }
}

fn trained(arguments: &Arguments, console: &Console, sources: &mut Sources, diags: &mut Diags) -> Option<Outcome> {
    let mut compiled = crate::compile(&arguments.spec, &arguments.sets, sources, diags)?;
    let train = &mut compiled.spec.train;
    train.seed = arguments.seed.unwrap_or(train.seed);
    let start = match (arguments.resume, arguments.force) {
        (true, _) => Start::Resume,
        (_, true) => Start::Force,
        _ => Start::New,
    };
    let options = Options {
        dir: arguments.run.clone(),
        start,
        backend: arguments.device.backend().map_err(|finding| diags.push(finding)).ok()?,
        checkpoint_every: arguments.checkpoint_every,
        profile: arguments.profile,
        ..Options::default()
    };
    let stop = Stop { signal: stop_signal(), after: arguments.stop_after };
    let mut screen = Screen::new(*console, sources, train.epochs, stop);
    let outcome = crate::train(&compiled, &options, &mut screen, diags);
    screen.finish();
    outcome
}

/// Set by the first Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal must not see what it sets itself. Where signals cannot be caught, they end the
        // process as ever, and `--resume` goes on from the checkpoint before.
        let _second = signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone());
        let _first = signal_hook::flag::register(signal, stop.clone());
    }
    stop
}
