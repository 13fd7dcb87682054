//! The lines of a text: axes, parameters, inputs, nodes, effects, roots.

use pest::iterators::Pair;

use crate::diag::Span;

use super::super::attr::{Attrs, Declared};
use super::super::axis::{AxisId, AxisKind};
use super::super::graph::{Graph, Init, Role, ValueId};
use super::super::input::InputSource;
use super::super::op::Op;
use super::super::print::role;
use super::grammar::Rule;
use super::{Reader, bare, parts};

/// Operands and attributes, with places.
struct Call {
    operands: Vec<ValueId>,
    places: Vec<Span>,
    attrs: Attrs,
}

impl Reader {
    pub(super) fn axis_line(&mut self, line: Pair<'_, Rule>) {
        let mut parts = parts(line);
        let (Some(name), Some(kind)) = (parts.next(), parts.next()) else { return };
        if !self.is_new(self.scope.axes.contains_key(name.as_str()), &name) {
            return;
        }
        let made = self.axis_kind(kind).map(|(parent, kind)| self.scope.to.axis(name.as_str(), parent, kind));
        self.scope.axes.insert(name.as_str().to_owned(), made);
    }

    fn axis_kind(&mut self, piece: Pair<'_, Rule>) -> Option<(Option<AxisId>, AxisKind)> {
        let rule = piece.as_rule();
        let (mut of, mut len, mut table, mut condition) = (None, None, String::new(), None);
        for part in parts(piece) {
            match part.as_rule() {
                Rule::axis_name => of = Some(self.axis(&part)?),
                Rule::whole => len = Some(self.whole(&part)?),
                Rule::name => table = self.name(part),
                Rule::value => condition = Some(self.operand(&part)?),
                _ => {}
            }
        }
        let parent = of.and_then(|of| self.scope.to.graph().axis(of).parent);
        match rule {
            Rule::batch => Some((None, AxisKind::Batch)),
            Rule::ragged => Some((of, AxisKind::Ragged { max: len })),
            Rule::fixed => Some((None, AxisKind::Static { len: len? })),
            Rule::rows => Some((None, AxisKind::Rows { table })),
            Rule::distinct => Some((None, AxisKind::Unique { table })),
            Rule::twin => Some((parent, AxisKind::Twin { of: of? })),
            Rule::append => Some((parent, AxisKind::Appended { of: of? })),
            _ => Some((parent, AxisKind::Sub { of: of?, condition: condition? })),
        }
    }

    pub(super) fn param_line(&mut self, line: Pair<'_, Rule>) {
        let parts: Vec<_> = parts(line).collect();
        let [word, name, ty, init] = parts.as_slice() else { return };
        let path = bare(name.as_str()).to_owned();
        if !self.is_new(self.scope.params.contains_key(&path), name) {
            return;
        }
        let roles = [Role::Weight, Role::Table, Role::Frozen, Role::State];
        let role = roles.into_iter().find(|&known| role(known) == word.as_str());
        let (ty, init) = (self.ty(ty), self.init(init));
        self.scope.to.locate(self.span(name));
        let made = match (role, ty, init) {
            (Some(role), Some(ty), Some(init)) => match self.scope.to.param(&path, ty, init, role) {
                Ok(value) => self.scope.to.graph().find_param(&path).map(|id| (id, value)),
                Err(fault) => self.fault(fault, self.span(name), &[]),
            },
            _ => None,
        };
        self.scope.params.insert(path, made);
    }

    fn init(&mut self, piece: &Pair<'_, Rule>) -> Option<Init> {
        let (mut word, mut argument) = ("", None);
        for part in parts(piece.clone()) {
            match part.as_rule() {
                Rule::number => argument = part.as_str().parse::<f64>().ok(),
                _ => word = part.as_str(),
            }
        }
        match (word, argument) {
            ("", Some(value)) => Some(Init::Constant(value)),
            ("normal", Some(std)) => Some(Init::Normal { std }),
            ("truncated_normal", Some(std)) => Some(Init::TruncatedNormal { std }),
            ("uniform", Some(limit)) => Some(Init::Uniform { limit }),
            ("glorot", None) => Some(Init::Glorot),
            ("fan_in", Some(fan_in)) if fan_in.fract() == 0.0 && (0.0..=u32::MAX.into()).contains(&fan_in) => {
                Some(Init::FanIn { fan_in: fan_in as u32 })
            }
            ("counts", None) => Some(Init::Counts),
            ("file", None) => Some(Init::File),
            _ => {
                let known = "a number, `normal(std)`, `truncated_normal(std)`, `uniform(limit)`, `glorot`, `fan_in(n)`, `counts` or `file`";
                let title = format!("expected {known}, found `{}`", piece.as_str());
                self.error("E0330", title, piece, String::new())
            }
        }
    }

    pub(super) fn input_line(&mut self, line: Pair<'_, Rule>) {
        let mut parts = parts(line);
        let (Some(name), Some(ty)) = (parts.next(), parts.next()) else { return };
        let path = bare(name.as_str()).to_owned();
        if !self.is_new(self.scope.values.contains_key(&path), &name) {
            return;
        }
        let (mut source, mut item) = (Some(InputSource::plain(&path)), None);
        for part in parts {
            match part.as_rule() {
                Rule::of_item => item = Some(part),
                _ => source = self.source(part),
            }
        }
        match (&mut source, item) {
            (Some(InputSource::Feature { of_item, .. }), item) => *of_item = item.is_some(),
            (Some(_), Some(item)) => {
                source = self.error("E0330", "only a feature is `of item`".to_owned(), &item, String::new());
            }
            _ => {}
        }
        let ty = self.ty(&ty);
        self.scope.to.locate(self.span(&name));
        let made = match (ty, source) {
            (Some(ty), Some(source)) => Some(self.scope.to.input(&path, ty, source)),
            _ => None,
        };
        self.scope.values.insert(path, made);
    }

    fn source(&mut self, piece: Pair<'_, Rule>) -> Option<InputSource> {
        let (mut word, mut name, mut axis) = (String::new(), None, None);
        for part in parts(piece.clone()) {
            match part.as_rule() {
                Rule::word => word = part.as_str().to_owned(),
                Rule::name => name = Some(self.name(part)),
                _ => axis = parts(part).next().map(|inner| self.name(inner)),
            }
        }
        match (word.as_str(), name, axis) {
            ("feature", Some(feature), axis) => Some(InputSource::Feature { axis, feature, of_item: false }),
            ("label", Some(label), axis) => Some(InputSource::Label { axis, label }),
            ("outcome", Some(column), axis) => Some(InputSource::Outcome { axis, column }),
            ("target", Some(feature), None) => Some(InputSource::Target { feature }),
            ("log_q", Some(axis), None) => Some(InputSource::LogQ { axis }),
            ("positives", Some(label), Some(axis)) => Some(InputSource::Positives { axis, label }),
            ("run", Some(run), axis) => Some(InputSource::Run { axis, run }),
            ("schedule", Some(name), None) => Some(InputSource::Schedule(name)),
            ("weight", None, None) => Some(InputSource::Weight),
            _ => {
                let known = "`feature(name)`, `label(name)`, `outcome(name)`, `target(name)`, `positives(name) along axis`, `log_q(axis)`, `run(name)`, `schedule(name)` or `weight`";
                let title = format!("expected {known}, found `{}`", piece.as_str());
                self.error("E0330", title, &piece, String::new())
            }
        }
    }

    pub(super) fn node_line(&mut self, line: Pair<'_, Rule>) {
        // The body of a line without one is there and empty; that of a line with a wrong one is not.
        let (mut results, mut call, mut body) = (Vec::new(), None, Some(None));
        for part in parts(line) {
            match part.as_rule() {
                Rule::result => results.push(part),
                Rule::call => call = Some(part),
                _ => body = self.body(part).map(Some),
            }
        }
        let stated: Vec<_> = results.iter().filter_map(|result| parts(result.clone()).next()).collect();
        let made = match (call, body) {
            (Some(call), Some(body)) => self.node(call, body, &stated).unwrap_or_default(),
            _ => Vec::new(),
        };
        // Names that no text has, so that a result cannot take the name that another one of the node was added under.
        for (i, &value) in made.iter().enumerate() {
            self.scope.to.rename(value, &format!("%{i}"));
        }
        for (i, result) in results.iter().enumerate() {
            let mut parts = parts(result.clone());
            let (Some(name), Some(ty)) = (parts.next(), parts.next()) else { continue };
            let path = bare(name.as_str()).to_owned();
            if !self.is_new(self.scope.values.contains_key(&path), &name) {
                continue;
            }
            let value = made.get(i).copied();
            if let Some(value) = value {
                self.scope.to.rename(value, &path);
                self.hold_to(value, &ty);
            }
            self.scope.values.insert(path, value);
        }
    }

    /// Adds the node, if its line can be read so far; one whose results are not those that the line names is an error.
    fn node(&mut self, call: Pair<'_, Rule>, body: Option<Graph>, stated: &[Pair<'_, Rule>]) -> Option<Vec<ValueId>> {
        let word = parts(call.clone()).next()?;
        let Some(op): Option<&'static dyn Op> = (self.registry.op)(word.as_str()) else {
            return self.unknown("operation", &word, None);
        };
        let place = self.span(&word);
        let Call { operands, places, attrs } = self.call(call, op.attributes())?;
        let attrs = match body {
            Some(body) => attrs.with("body", std::sync::Arc::new(body)),
            None => attrs,
        };
        self.scope.to.locate(stated.first().map_or(place, |name| self.span(name)));
        match self.scope.to.op(op, &operands, attrs) {
            Ok(made) if made.len() == stated.len() => Some(made),
            Ok(made) => {
                let title = format!("`{}` has {} results, the line names {}", word.as_str(), made.len(), stated.len());
                self.error("E0333", title, &word, String::new())
            }
            Err(fault) => self.fault(fault, place, &places),
        }
    }

    /// Holds the inferred type against the stated one.
    fn hold_to(&mut self, value: ValueId, stated: &Pair<'_, Rule>) {
        let Some(ty) = self.ty(stated) else { return };
        let axes = self.scope.to.graph().axes();
        let inferred = self.scope.to.ty(value);
        if *inferred != ty {
            let name = &self.scope.to.graph().value(value).name;
            let title = format!("`%{name}` is {}, but its line says {}", axes.show(inferred), axes.show(&ty));
            let label = format!("expected {}", axes.show(inferred));
            self.error::<()>("E0333", title, stated, label);
        }
    }

    pub(super) fn update_line(&mut self, line: Pair<'_, Rule>) {
        let (mut targets, mut call) = (Vec::new(), None);
        for part in parts(line) {
            match part.as_rule() {
                Rule::param_name => targets.push(self.param(&part).map(|(id, _)| id)),
                _ => call = Some(part),
            }
        }
        let Some(call) = call else { return };
        let Some(word) = parts(call.clone()).next() else { return };
        let Some(op) = (self.registry.effect)(word.as_str()) else {
            self.unknown::<()>("effect", &word, None);
            return;
        };
        let place = self.span(&word);
        let Some(Call { operands, places, attrs }) = self.call(call, op.attributes()) else { return };
        let Some(targets) = targets.into_iter().collect::<Option<Vec<_>>>() else { return };
        if let Err(fault) = self.scope.to.effect(op, &targets, &operands, attrs) {
            self.fault::<()>(fault, place, &places);
        }
    }

    fn call(&mut self, call: Pair<'_, Rule>, declared: &'static [Declared]) -> Option<Call> {
        let (mut op, mut operands, mut places, mut attrs) = ("", Some(Vec::new()), Vec::new(), Some(Attrs::none()));
        for part in parts(call) {
            match part.as_rule() {
                Rule::word => op = part.as_str(),
                Rule::operands => {
                    for operand in parts(part) {
                        places.push(self.span(&operand));
                        operands = match (self.operand(&operand), operands) {
                            (Some(value), Some(mut list)) => {
                                list.push(value);
                                Some(list)
                            }
                            _ => None,
                        };
                    }
                }
                _ => attrs = self.attributes(part, op, declared),
            }
        }
        Some(Call { operands: operands?, places, attrs: attrs? })
    }

    pub(super) fn root_line(&mut self, line: Pair<'_, Rule>) {
        let is_loss = line.as_rule() == Rule::loss;
        let mut parts = parts(line);
        let (Some(name), Some(operand)) = (parts.next(), parts.next()) else { return };
        let taken = {
            let roots = if is_loss { self.scope.to.graph().losses() } else { self.scope.to.graph().outputs() };
            let path = self.name(name.clone());
            roots.iter().any(|root| root.name == path)
        };
        let (new, value) = (self.is_new(taken, &name), self.operand(&operand));
        if let (true, Some(value)) = (new, value) {
            let path = self.name(name);
            match is_loss {
                true => self.scope.to.loss(&path, value),
                false => self.scope.to.output(&path, value),
            }
        }
    }
}
