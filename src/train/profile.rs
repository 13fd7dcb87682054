//! What a profiled run leaves: a table to print, and a trace in the run directory.

use candle_core::Device;

use super::engine::{Backend, Engine};
use super::failure::step_failed;
use super::run_dir::{PROFILE, RunDir};
use crate::diag::Diagnostic;
use crate::exec::profile::{Peak, table, trace};

/// Threads that a backend works on, where that is for us to know.
pub(super) fn threads(backend: &Backend) -> usize {
    match backend {
        Backend::Host { threads } => *threads,
        Backend::Candle(Device::Cpu) => std::thread::available_parallelism().map_or(1, usize::from),
        Backend::Candle(_) => 1,
    }
}

/// Writes the trace and gives the table; none if nothing was measured.
pub(super) fn finish(engine: &Engine, backend: &Backend, dir: &RunDir) -> Result<Option<String>, Diagnostic> {
    let Some(profile) = engine.profile() else { return Ok(None) };
    dir.write(PROFILE, trace(profile, engine.graph()).as_bytes())?;
    // The peak of other devices than the CPU is not measured.
    let peak = match backend {
        Backend::Host { .. } | Backend::Candle(Device::Cpu) => Some(Peak::measure(profile.threads())),
        Backend::Candle(_) => None,
    };
    Ok(Some(table(profile, engine.graph(), peak.transpose().map_err(step_failed)?)))
}
