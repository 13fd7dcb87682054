//! Graph to text: one line an item, in the graph's own order, the type on every line.
//!
//! The text names values by path and holds no number of a line, so a new node changes no other line. [`super::read`]
//! reads it back.

use std::fmt::{self, Display, Formatter, Write};

use crate::expr::print::number;

use super::attr::{Attr, Attrs};
use super::axis::{AxisId, AxisKind};
use super::graph::{Def, Effect, Graph, Init, Input, Item, Node, Param, ParamId, Role, ValueId};
use super::input::InputSource;
use super::read::is_path;

/// Spaces that each level is set in by.
const STEP: usize = 2;

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "model {} ", Name(&self.name))?;
        lines(f, self, 0)?;
        f.write_char('\n')
    }
}

/// A name as the text form has it: bare where it is a path, quoted otherwise.
pub(super) struct Name<'a>(pub(super) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_path(self.0) { f.write_str(self.0) } else { quoted(f, self.0) }
    }
}

/// Everything between the braces of a model or a body.
fn lines(f: &mut Formatter<'_>, graph: &Graph, depth: usize) -> fmt::Result {
    f.write_str("{\n")?;
    let line = |f: &mut Formatter<'_>, text: &dyn Fn(&mut Formatter<'_>) -> fmt::Result| {
        write!(f, "{:1$}", "", depth + STEP)?;
        text(f)?;
        f.write_char('\n')
    };
    for &item in graph.order() {
        match item {
            Item::Axis(id) => line(f, &|f| axis(f, graph, id))?,
            Item::Param(id) => line(f, &|f| param(f, graph, graph.param(id)))?,
            Item::Input(id) => line(f, &|f| input(f, graph, graph.input(id)))?,
            Item::Node(id) => line(f, &|f| node(f, graph, graph.node(id), depth + STEP))?,
        }
    }
    for root in graph.losses() {
        line(f, &|f| write!(f, "loss {} = {}", Name(&root.name), Operand(graph, root.value)))?;
    }
    for effect in graph.effects() {
        line(f, &|f| update(f, graph, effect))?;
    }
    for root in graph.outputs() {
        line(f, &|f| write!(f, "output {} = {}", Name(&root.name), Operand(graph, root.value)))?;
    }
    write!(f, "{:1$}}}", "", depth)
}

fn axis(f: &mut Formatter<'_>, graph: &Graph, id: AxisId) -> fmt::Result {
    let axis = graph.axis(id);
    let name = |id: &AxisId| graph.axis(*id).name.as_str();
    write!(f, "axis {}: ", axis.name)?;
    match &axis.kind {
        AxisKind::Batch => f.write_str("batch"),
        AxisKind::Ragged { max } => {
            f.write_str("ragged")?;
            if let Some(max) = max {
                write!(f, "({max})")?;
            }
            axis.parent.as_ref().map_or(Ok(()), |parent| write!(f, " of {}", name(parent)))
        }
        AxisKind::Static { len } => write!(f, "static({len})"),
        AxisKind::Rows { table } => write!(f, "rows of {}", Name(table)),
        AxisKind::Unique { table } => write!(f, "distinct rows of {}", Name(table)),
        AxisKind::Sub { of, condition } => write!(f, "sub of {} where {}", name(of), Operand(graph, *condition)),
        AxisKind::Twin { of } => write!(f, "twin of {}", name(of)),
        AxisKind::Appended { of } => write!(f, "append of {}", name(of)),
    }
}

fn param(f: &mut Formatter<'_>, graph: &Graph, param: &Param) -> fmt::Result {
    let role = role(param.role);
    write!(f, "{role} @{}: {} = ", param.name, graph.axes().show(graph.ty(param.value)))?;
    match param.init {
        Init::Constant(value) => f.write_str(&number(value)),
        Init::Normal { std } => write!(f, "normal({})", number(std)),
        Init::TruncatedNormal { std } => write!(f, "truncated_normal({})", number(std)),
        Init::Uniform { limit } => write!(f, "uniform({})", number(limit)),
        Init::Glorot => f.write_str("glorot"),
        Init::FanIn { fan_in } => write!(f, "fan_in({fan_in})"),
        Init::Counts => f.write_str("counts"),
        Init::File => f.write_str("file"),
    }
}

/// The word that a parameter's line begins with.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Weight => "param",
        Role::Table => "table",
        Role::Frozen => "frozen",
        Role::State => "state",
    }
}

fn input(f: &mut Formatter<'_>, graph: &Graph, input: &Input) -> fmt::Result {
    let value = graph.value(input.value);
    write!(f, "input %{}: {}", value.name, graph.axes().show(&value.ty))?;
    let of_item = if matches!(input.source, InputSource::Feature { of_item: true, .. }) { " of item" } else { "" };
    if input.source.is_plain(&value.name) {
        return f.write_str(of_item);
    }
    let (word, name, axis) = match &input.source {
        InputSource::Feature { axis, feature, .. } => ("feature", feature, axis.as_ref()),
        InputSource::Label { axis, label } => ("label", label, axis.as_ref()),
        InputSource::Outcome { axis, column } => ("outcome", column, axis.as_ref()),
        InputSource::Target { feature } => ("target", feature, None),
        InputSource::LogQ { axis } => ("log_q", axis, None),
        InputSource::Positives { axis, label } => ("positives", label, Some(axis)),
        InputSource::Run { axis, run } => ("run", run, axis.as_ref()),
        InputSource::Schedule(name) => ("schedule", name, None),
        InputSource::Weight => return f.write_str(" = weight"),
    };
    write!(f, " = {word}({})", Name(name))?;
    axis.map_or(Ok(()), |axis| write!(f, " along {}", Name(axis)))?;
    f.write_str(of_item)
}

fn node(f: &mut Formatter<'_>, graph: &Graph, node: &Node, depth: usize) -> fmt::Result {
    list(f, &node.results, |f, &id| write!(f, "%{}: {}", graph.value(id).name, graph.axes().show(graph.ty(id))))?;
    write!(f, " = {}", node.op.name())?;
    call(f, graph, &node.operands, &node.attrs)?;
    match node.attrs.body("body") {
        Some(body) => {
            f.write_str(" body ")?;
            lines(f, body, depth)
        }
        None => Ok(()),
    }
}

fn update(f: &mut Formatter<'_>, graph: &Graph, effect: &Effect) -> fmt::Result {
    f.write_str("update ")?;
    list(f, &effect.targets, |f, &id: &ParamId| write!(f, "@{}", graph.param(id).name))?;
    write!(f, " = {}", effect.op.name())?;
    call(f, graph, &effect.operands, &effect.attrs)
}

/// `(%a, @b) {over: history}`; a body is left to the caller.
fn call(f: &mut Formatter<'_>, graph: &Graph, operands: &[ValueId], attrs: &Attrs) -> fmt::Result {
    f.write_char('(')?;
    list(f, operands, |f, &id| write!(f, "{}", Operand(graph, id)))?;
    f.write_char(')')?;
    let told: Vec<(&str, &Attr)> = attrs.iter().filter(|(_, attr)| !matches!(attr, Attr::Body(_))).collect();
    if told.is_empty() {
        return Ok(());
    }
    f.write_str(" {")?;
    list(f, &told, |f, (name, attr)| {
        write!(f, "{name}: ")?;
        attribute(f, graph, attr)
    })?;
    f.write_char('}')
}

fn attribute(f: &mut Formatter<'_>, graph: &Graph, attr: &Attr) -> fmt::Result {
    match attr {
        Attr::Bool(value) => write!(f, "{value}"),
        Attr::Int(value) => write!(f, "{value}"),
        Attr::Float(value) => f.write_str(&number(*value)),
        Attr::Text(text) => quoted(f, text),
        Attr::Axes(axes) => match axes.as_slice() {
            [axis] => f.write_str(&graph.axis(*axis).name),
            axes => bracketed(f, axes, |f, &axis| f.write_str(&graph.axis(axis).name)),
        },
        Attr::List(numbers) => bracketed(f, numbers, |f, &value| f.write_str(&number(value))),
        Attr::Body(_) => Ok(()),
    }
}

/// A value where it is used: `%item`, `@movie`.
struct Operand<'a>(&'a Graph, ValueId);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.0.value(self.1);
        let sign = if matches!(value.def, Def::Param(_)) { '@' } else { '%' };
        write!(f, "{sign}{}", value.name)
    }
}

fn bracketed<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    each: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    list(f, items, each)?;
    f.write_char(']')
}

fn list<T>(f: &mut Formatter<'_>, items: &[T], each: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        each(f, item)?;
    }
    Ok(())
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
