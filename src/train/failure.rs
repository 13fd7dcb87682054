//! Why a step failed, as findings.

use super::engine::{Engine, Params};
use crate::diag::Diagnostic;
use crate::exec::candle::Schedule;
use crate::exec::error::ExecError;
use crate::exec::prologue::Prepared;
use crate::exec::weights::Weights;
use crate::ir::op::Noise;
use crate::pass::PassError;

/// A step that could not be computed.
pub fn step_failed(error: ExecError) -> Diagnostic {
    Diagnostic::new("E0621", format!("a step cannot be computed: {error}")).note("no parameter was changed by it")
}

/// A pass that broke a graph.
pub fn pass_failed(error: PassError) -> Diagnostic {
    Diagnostic::new("E0699", format!("a fault of specrec: {error}")).help("report it with the command and the spec")
}

/// Names the first value of a step that is not finite. The step was not made, so the parameters are those before it.
pub(super) fn explain(
    error: ExecError,
    engine: &Engine,
    params: &mut Params,
    batch: (&Prepared, &Schedule, Noise),
    when: &str,
) -> Diagnostic {
    let ExecError::NotFinite(loss) = &error else { return step_failed(error) };
    let finding = Diagnostic::new("E0622", format!("loss `{loss}` is not a finite number {when}"));
    if let Some(param) = params.weights().ok().and_then(first_not_finite) {
        return after_update(finding, param);
    }
    let (prepared, schedule, noise) = batch;
    let finding = match engine.first_not_finite(params, prepared, schedule, noise) {
        Ok(Some(name)) => finding.note(format!("the first value that is not finite is `%{name}`")),
        Ok(None) => finding.note("on the reference backend all values are finite"),
        Err(error) => finding.note(format!("the first value that is not finite is not known: {error}")),
    };
    helped(finding.help("check its inputs: a `log` of 0, a division by 0, a number without `scale`"))
}

/// Parameters that an update has made useless, found before they would be saved.
pub(super) fn parameters_not_finite(weights: &Weights, when: &str) -> Result<(), Diagnostic> {
    match first_not_finite(weights) {
        Some(param) => Err(after_update(Diagnostic::new("E0622", format!("a parameter is not finite {when}")), param)),
        None => Ok(()),
    }
}

fn after_update(finding: Diagnostic, param: &str) -> Diagnostic {
    helped(
        finding.note(format!(
            "parameter `@{param}` is not finite: the gradient of an earlier step was not, or was too large"
        )),
    )
}

fn helped(finding: Diagnostic) -> Diagnostic {
    finding
        .note("checkpoints of the run are of steps before it")
        .help("a smaller `lr`, or `clip: 1` under `train`, keeps steps small")
}

/// The first parameter that holds a NaN or an infinity.
fn first_not_finite(weights: &Weights) -> Option<&str> {
    let is_finite = |numbers: &[f32]| numbers.iter().all(|number| number.is_finite());
    weights.iter().find(|(_, matrix)| !matrix.drawn().all(|(_, numbers)| is_finite(numbers))).map(|(name, _)| name)
}
