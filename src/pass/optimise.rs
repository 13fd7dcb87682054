//! Turns gradients into updates of the parameters: the optimiser is part of the graph, its moments are parameters.

use crate::ir::attr::Attrs;
use crate::ir::copy::Copy;
use crate::ir::graph::{Graph, Init, ParamId, Role, ValueId};
use crate::ir::input::InputSource;
use crate::ir::op::{EffectOp, Fault};
use crate::ir::types::{Space, Type};
use crate::prim::{self, make};
use crate::syntax::spec::OptimizerSpec;

use super::Goal;
use super::differentiate::GRADIENT;

/// An optimiser: its name in a spec, its effect, and the state it keeps for each number.
struct Optimiser {
    name: &'static str,
    effect: &'static str,
    state: &'static [&'static str],
    /// 2: gradient and learning rate; 3: and the step.
    operands: usize,
}

/// For dense parameters, alphabetical.
const DENSE: &[Optimiser] = &[
    Optimiser { name: "adagrad", effect: "adagrad", state: &["v"], operands: 2 },
    Optimiser { name: "adam", effect: "adam", state: &["m", "v"], operands: 3 },
    Optimiser { name: "adamw", effect: "adamw", state: &["m", "v"], operands: 3 },
    Optimiser { name: "sgd", effect: "sgd", state: &["m"], operands: 2 },
];

/// For tables, alphabetical. All but `adam` touch only the rows of the batch; `adam` moves every row by its moments.
const TABLES: &[Optimiser] = &[
    Optimiser { name: "adagrad", effect: "row_adagrad", state: &["v"], operands: 2 },
    Optimiser { name: "adam", effect: "adam", state: &["m", "v"], operands: 3 },
    Optimiser { name: "lazy_adam", effect: "lazy_adam", state: &["m", "v"], operands: 3 },
    Optimiser { name: "sgd", effect: "row_sgd", state: &[], operands: 2 },
];

/// Names of the optimisers that a spec can ask for: of dense parameters, of tables.
pub fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    let of = |list: &[Optimiser]| list.iter().map(|optimiser| optimiser.name).collect();
    (of(DENSE), of(TABLES))
}

/// Replaces the outputs `d.PARAMETER` by updates.
pub fn optimise(graph: &Graph, goal: Goal) -> Result<Graph, Fault> {
    let Goal::Train(train) = goal else { return Ok(graph.clone()) };
    let spec = &train.optimizer;
    let mut copy = Copy::new(graph);
    for &item in graph.order() {
        copy.item(item)?;
    }
    let scalar = Type::f32(Space::unit(), 1);
    let schedule =
        |copy: &mut Copy, name: &str| copy.to.input(name, scalar.clone(), InputSource::Schedule(name.to_owned()));
    let lr = schedule(&mut copy, "lr");
    let tables_lr = schedule(&mut copy, "tables_lr");
    let step = schedule(&mut copy, "step");
    for root in graph.outputs() {
        let Some(name) = root.name.strip_prefix(GRADIENT) else { continue };
        let Some(id) = copy.to.graph().find_param(name) else { continue };
        let gradient = copy.value(root.value);
        let table = copy.to.graph().param(id).role == Role::Table;
        // Of a table that something reads as a whole, every row has a gradient: it is a dense parameter like others.
        let whole = table && copy.to.ty(gradient) == copy.to.ty(copy.to.graph().param(id).value);
        let (list, wanted, lr) = if table { (TABLES, &spec.tables, tables_lr) } else { (DENSE, &spec.dense, lr) };
        let optimiser = list.iter().find(|optimiser| optimiser.name == wanted.value);
        let optimiser = if whole { optimiser.map(dense) } else { optimiser };
        let optimiser = optimiser.ok_or_else(|| Fault::new("E0399", format!("no optimiser `{}`", wanted.value)))?;
        update(&mut copy, id, optimiser, spec, [gradient, lr, step])?;
    }
    for effect in graph.effects() {
        copy.effect(effect)?;
    }
    for root in graph.losses() {
        let value = copy.value(root.value);
        copy.to.loss(&root.name, value);
    }
    Ok(copy.to.finish())
}

/// What an optimiser of rows is where all rows have a gradient.
fn dense(rows: &'static Optimiser) -> &'static Optimiser {
    let name = if rows.name == "lazy_adam" { "adam" } else { rows.name };
    DENSE.iter().find(|dense| dense.name == name).unwrap_or(rows)
}

fn update(
    copy: &mut Copy,
    id: ParamId,
    optimiser: &Optimiser,
    spec: &OptimizerSpec,
    mut operands: [ValueId; 3],
) -> Result<(), Fault> {
    let effect: &'static dyn EffectOp = prim::find_effect(optimiser.effect)
        .ok_or_else(|| Fault::new("E0399", format!("no effect `{}`", optimiser.effect)))?;
    let name = copy.to.graph().param(id).name.clone();
    let ty = copy.to.ty(copy.to.graph().param(id).value).clone();
    let mut targets = vec![id];
    // Without momentum there is no velocity to keep.
    let keeps_state = optimiser.effect != "sgd" || spec.momentum != 0.0;
    for state in optimiser.state.iter().filter(|_| keeps_state) {
        let state = format!("{name}.{state}");
        copy.to.param(&state, ty.clone(), Init::Constant(0.0), Role::State)?;
        targets.extend(copy.to.graph().find_param(&state));
    }
    let table = copy.to.graph().param(id).role == Role::Table;
    if table && optimiser.effect == "adam" && *copy.to.ty(operands[0]) != ty {
        let whole = copy.to.table_axis(&name, false);
        operands[0] = make::unfetch(&mut copy.to, operands[0], whole)?;
    }
    // Decay is of dense parameters; a table has `l2`, which counts the rows of the batch.
    let decay = if table { 0.0 } else { spec.weight_decay };
    let settings = [
        ("beta1", spec.beta1),
        ("beta2", spec.beta2),
        ("eps", spec.eps),
        ("momentum", spec.momentum),
        ("weight_decay", decay),
    ];
    let mut attrs = Attrs::none();
    for (name, value) in settings {
        if effect.attributes().iter().any(|&(known, _)| known == name) {
            attrs = attrs.with(name, value);
        }
    }
    let operands = &operands[..optimiser.operands];
    copy.to.effect(effect, &targets, operands, attrs)
}
