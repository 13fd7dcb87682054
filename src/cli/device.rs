//! `--device`, `--threads`, `--no-fuse`: where a command computes.

use candle_core::Device;
use clap::{Args, ValueEnum};

use crate::diag::Diagnostic;
use crate::train::engine::Backend;

/// Where to compute.
#[derive(Debug, Args)]
pub(super) struct DeviceArguments {
    /// The device; `cuda` needs a binary built with `--features cuda`.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Threads of the CPU; all cores when absent. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Compute every node by itself on Candle: the reference, slower.
    #[arg(long)]
    no_fuse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DeviceName {
    Cpu,
    Cuda,
}

impl DeviceArguments {
    /// The backend that the arguments ask for. A device that is asked for by name and is not there is an error and not a
    /// silent change to another one, which would be slower by far.
    ///
    /// # Errors
    /// E0617: no such device here.
    pub(super) fn backend(&self) -> Result<Backend, Diagnostic> {
        match self.device {
            DeviceName::Cpu if self.no_fuse => Ok(Backend::Candle(Device::Cpu)),
            DeviceName::Cpu => match self.threads {
                Some(threads) => Ok(Backend::Host { threads: usize::from(threads) }),
                None => Ok(Backend::default()),
            },
            DeviceName::Cuda => Device::new_cuda(0).map(Backend::Candle).map_err(|why| {
                let why = why.to_string();
                let why = why.lines().next().unwrap_or_default();
                Diagnostic::new("E0617", format!("there is no CUDA device to use: {why}"))
                    .help("`--device cpu` computes on the CPU")
                    .help("a binary for CUDA is built by `cargo build --release --features cuda`")
            }),
        }
    }
}
