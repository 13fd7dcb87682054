//! The one namespace of a spec: axes, features, groups, labels, values of other runs and values of `model` meet in
//! expressions, so a name stands for one of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::check;
use crate::diag::near::near;
use crate::diag::{Diagnostic, Diags};
use crate::expr::ast::Ident;
use crate::syntax::spec::{AxisOrigin, AxisSpec, FeatureSpec, RunSpec, Spec};

use super::tables::Tables;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing<'a> {
    Axis(&'a AxisSpec),
    Feature(&'a FeatureSpec),
    Group(&'a [Ident]),
    Label,
    Model,
    Run(&'a RunSpec),
}

impl Thing<'_> {
    fn word(self) -> &'static str {
        match self {
            Thing::Axis(_) => "an axis",
            Thing::Feature(_) => "a feature",
            Thing::Group(_) => "a group",
            Thing::Label => "a label",
            Thing::Model => "a value",
            Thing::Run(_) => "a value of a run",
        }
    }
}

/// Where an expression stands, which decides what it may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// `model:` and `outputs:`: what a prediction is made of.
    Inputs,
    /// `losses:`: labels and outcomes too.
    Losses,
    /// `metrics:`: outputs too.
    Metrics,
}

/// Every name of a spec.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub(super) spec: &'a Spec,
    pub(super) tables: &'a Tables<'a>,
    things: BTreeMap<&'a str, (Thing<'a>, &'a Ident)>,
    broken: BTreeSet<&'a str>,
    /// Widths of the values of other runs that can be read.
    runs: &'a BTreeMap<String, u32>,
    /// Axes that values of `model` make, with the first value that does.
    made: BTreeMap<String, &'a str>,
}

/// The axis of samples, which an expression may name like any other.
pub(super) const BATCH: &str = "B";

/// Names that mean something by themselves: the axis of samples, and the width in the place of an axis.
const RESERVED: &[&str] = &[BATCH, "width"];

/// The member of a drawn axis that is no feature: the log of the probability with which each element is drawn.
pub(super) const LOG_Q: &str = "log_q";

impl<'a> Names<'a> {
    pub(super) fn read(
        spec: &'a Spec,
        tables: &'a Tables<'a>,
        runs: &'a BTreeMap<String, u32>,
        diags: &mut Diags,
    ) -> Self {
        let broken = spec.broken.iter().map(|name| name.name.as_str()).collect();
        let (things, made) = (BTreeMap::new(), BTreeMap::new());
        let mut names = Self { spec, tables, things, broken, runs, made };
        for axis in &spec.axes {
            names.add(&axis.name, Thing::Axis(&axis.value), diags);
        }
        for feature in &spec.features {
            names.add(&feature.name, Thing::Feature(&feature.value), diags);
        }
        for group in &spec.groups {
            names.add(&group.name, Thing::Group(&group.value), diags);
        }
        for label in &spec.samples.labels {
            names.add(&label.name, Thing::Label, diags);
        }
        for run in &spec.runs {
            names.add(&run.name, Thing::Run(&run.value), diags);
            if !runs.contains_key(&run.name.name) {
                names.broken.insert(&run.name.name);
            }
        }
        for value in &spec.model {
            names.add(&value.name, Thing::Model, diags);
        }
        for value in &spec.model {
            crate::block::axis::made(&value.value, &mut |axis| {
                names.made.entry(axis.to_owned()).or_insert(&value.name.name);
            });
        }
        for group in &spec.groups {
            for member in &group.value {
                names.member_of_group(member, diags);
            }
        }
        names
    }

    fn add(&mut self, name: &'a Ident, thing: Thing<'a>, diags: &mut Diags) {
        if RESERVED.contains(&name.name.as_str()) {
            let title = format!("`{}` means something by itself", name.name);
            diags.push(Diagnostic::new("E0119", title).at(name.span, "").help("any other name will do"));
        }
        match self.things.get(name.name.as_str()) {
            None => {
                self.things.insert(&name.name, (thing, name));
            }
            Some((other, first)) => {
                let title = format!("`{}` is {} and {}", name.name, other.word(), thing.word());
                let finding = Diagnostic::new("E0119", title).at(name.span, thing.word()).at(first.span, other.word());
                diags.push(finding.help("axes, features, groups, labels and values of `model` share one namespace"));
                self.broken.insert(&name.name);
            }
        }
    }

    fn member_of_group(&self, member: &Ident, diags: &mut Diags) {
        let finding = match self.thing(&member.name) {
            Some(Thing::Feature(_)) => return,
            _ if self.broken.contains(member.name.as_str()) => return,
            Some(other) => {
                let title = format!("a group is made of features, and `{}` is {}", member.name, other.word());
                Diagnostic::new("E0204", title).at(member.span, "")
            }
            None => {
                let finding = Diagnostic::new("E0201", format!("no feature `{}`", member.name));
                let features = self.spec.features.iter().map(|feature| feature.name.name.as_str());
                match near(&member.name, features) {
                    Some(near) => finding.at(member.span, format!("`{near}` is one")),
                    None => finding.at(member.span, ""),
                }
            }
        };
        diags.push(finding);
    }

    /// What a name stands for.
    pub(super) fn thing(&self, name: &str) -> Option<Thing<'a>> {
        self.things.get(name).map(|(thing, _)| *thing)
    }

    /// The value that makes an axis of that name.
    pub(super) fn maker(&self, axis: &str) -> Option<&'a str> {
        self.made.get(axis).copied()
    }

    /// Whether a finding has been made about the entry of a name.
    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// How wide a value of another run is.
    pub(super) fn width_of_run(&self, name: &str) -> Option<u32> {
        self.runs.get(name).copied()
    }

    /// Whether a column is listed under `outcomes`.
    pub(super) fn is_outcome(&self, name: &str) -> bool {
        self.spec.samples.outcomes.iter().any(|column| column.name == name)
    }

    /// The features behind a name: itself, or the members of a group.
    pub(super) fn features_of(&self, name: &str) -> Vec<&'a Ident> {
        match self.things.get(name) {
            Some((Thing::Feature(_), ident)) => vec![*ident],
            Some((Thing::Group(members), _)) => members.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The names as an expression of a section sees them.
    pub(super) fn within(&self, section: Section) -> Scope<'_> {
        Scope { names: self, section }
    }

    fn unknown(&self, name: &Ident, section: Section) -> Diagnostic {
        let finding = Diagnostic::new("E0201", format!("unknown name `{}`", name.name));
        let outputs = self.spec.outputs.iter().filter(|_| section == Section::Metrics);
        let outputs = outputs.map(|output| output.name.name.as_str());
        let visible =
            self.things.iter().filter(|(_, (thing, _))| section != Section::Inputs || !matches!(thing, Thing::Label));
        let visible = visible.map(|(name, _)| *name).chain(outputs);
        if self.tables.find(name).is_ok() {
            return finding.at(name.span, "a table").help(format!("`lookup(FEATURE, {})` reads its rows", name.name));
        }
        match near(&name.name, visible) {
            Some(near) => finding.at(name.span, format!("`{near}` is one")),
            None if self.is_outcome(&name.name) => finding.at(name.span, "an outcome, known only after the prediction"),
            None => finding.at(name.span, "").help("an expression sees axes, features, groups and values of `model`"),
        }
    }
}

/// The names that an expression of one section sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    names: &'a Names<'a>,
    section: Section,
}

impl check::Names for Scope<'_> {
    fn look(&self, name: &Ident) -> Result<(), Diagnostic> {
        let names = self.names;
        match names.thing(&name.name) {
            None if name.name == BATCH => Ok(()),
            Some(Thing::Label) if self.section == Section::Inputs => {
                let title = format!("label `{}` is known only after the prediction", name.name);
                let finding = Diagnostic::new("E0402", title).at(name.span, "");
                Err(finding.help("labels stand in `losses` and `metrics`; past events may be chosen by one: `where: LABEL` of an axis"))
            }
            Some(_) => Ok(()),
            None if names.is_broken(&name.name) => Ok(()),
            None if self.section != Section::Inputs && names.is_outcome(&name.name) => Ok(()),
            None if self.section == Section::Metrics
                && names.spec.outputs.iter().any(|output| output.name.name == name.name) =>
            {
                Ok(())
            }
            None => Err(names.unknown(name, self.section)),
        }
    }

    fn look_axis(&self, name: &str) -> Option<Option<String>> {
        self.names.maker(name).map(|maker| Some(maker.to_owned()))
    }

    fn look_member(&self, axis: &Ident, member: &Ident) -> Option<Result<(), Diagnostic>> {
        let names = self.names;
        let Some(Thing::Axis(spec)) = names.thing(&axis.name) else {
            return names.is_broken(&axis.name).then_some(Ok(()));
        };
        let carries = match &spec.origin {
            AxisOrigin::Draw(draw) => {
                draw.of.name == member.name
                    || names.features_of(&draw.of.name).iter().any(|feature| feature.name == member.name)
            }
            AxisOrigin::Within { .. } => false,
            _ => true,
        };
        let is_draw = matches!(spec.origin, AxisOrigin::Draw(_));
        let finding = match names.thing(&member.name) {
            None if is_draw && member.name == LOG_Q => return Some(Ok(())),
            _ if names.is_broken(&member.name) => return Some(Ok(())),
            Some(Thing::Feature(_) | Thing::Group(_)) if carries => return Some(Ok(())),
            Some(Thing::Label) if carries && self.section != Section::Inputs => return Some(Ok(())),
            Some(Thing::Label) => {
                let title = format!("label `{}` is no input, not even along an axis", member.name);
                let finding = Diagnostic::new("E0402", title).at(member.span, "");
                finding.help(
                    "a feature of the same column may be read of earlier events: one that is used along the axis only",
                )
            }
            Some(Thing::Feature(_) | Thing::Group(_)) => {
                let title = format!("elements of `{}` have no `{}`", axis.name, member.name);
                let finding = Diagnostic::new("E0204", title).at(member.span, "");
                match &spec.origin {
                    AxisOrigin::Draw(draw) => finding.help(format!("what is drawn is `{}`", draw.of.name)),
                    _ => finding.help("a visit is a span of events: reduce those over their own axis first"),
                }
            }
            Some(other) => {
                let title = format!("`{}` is {}, not a feature or a group", member.name, other.word());
                let finding = Diagnostic::new("E0204", title).at(member.span, "");
                finding.help("elements of an axis carry features and groups")
            }
            None => {
                let finding = Diagnostic::new("E0201", format!("no feature or group `{}`", member.name));
                let features = names.spec.features.iter().map(|feature| feature.name.name.as_str());
                let groups = names.spec.groups.iter().map(|group| group.name.name.as_str());
                match near(&member.name, features.chain(groups)) {
                    Some(near) => finding.at(member.span, format!("`{near}` is one")),
                    None => finding
                        .at(member.span, "")
                        .help("elements of an axis carry the features and groups of the spec"),
                }
            }
        };
        Some(Err(finding))
    }

    fn look_table(&self, name: &Ident) -> Result<(), Diagnostic> {
        self.names.tables.find(name)
    }

    fn makes(&self, name: &str) -> bool {
        matches!(self.names.thing(name), Some(Thing::Model))
    }
}
