//! `--device`, `--threads`, `--no-fuse`: where a command computes.

use candle_core::Device;
use clap::{Args, ValueEnum};

use super::console::Console;
use crate::diag::Diagnostic;
use crate::train::engine::Backend;

/// Where to compute.
#[derive(Debug, Args)]
pub(super) struct DeviceArguments {
    /// The device; `cuda` needs a binary built with `--features cuda`.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Threads of the CPU; all cores when absent. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Compute every node by itself on Candle: the reference, slower.
    #[arg(long)]
    no_fuse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DeviceName {
    Cpu,
    Cuda,
}

/// The backend that the arguments ask for.
///
/// # Errors
/// E0617: no such device here.
pub(super) fn backend(arguments: &DeviceArguments, console: &Console) -> Result<Backend, Diagnostic> {
    match arguments.device {
        DeviceName::Cpu if arguments.no_fuse => Ok(Backend::Candle(Device::Cpu)),
        DeviceName::Cpu => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Ok(Backend::Host { threads: arguments.threads.unwrap_or(cores).max(1) })
        }
        DeviceName::Cuda => {
            let device = Device::new_cuda(0).map_err(|error| {
                Diagnostic::new("E0617", format!("there is no CUDA device to use: {error}"))
                    .help("`--device cpu`, or a binary built with `cargo build --release --features cuda` on a machine with a GPU")
            })?;
            console.note("computing on CUDA device 0");
            Ok(Backend::Candle(device))
        }
    }
}
