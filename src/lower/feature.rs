//! Features, groups, labels and outcomes as inputs of the graph. An input is made where it is first read; ids stay ids until
//! numbers are needed.

use std::collections::BTreeMap;

use crate::block::evaluate::{Outer, TableParam};
use crate::block::item::{Group, Ids, Item, Pooling};
use crate::ir::axis::{AxisId, AxisKind};
use crate::ir::build::Builder;
use crate::ir::input::{InputSource, SEEN};
use crate::ir::op::Fault;
use crate::ir::types::{Space, Type};
use crate::syntax::spec::{AxisOrigin, FeatureKind, FeatureSpec, Named, Pool, Side, Spec};

use super::axes::AxesOf;
use super::names::{BATCH, LOG_Q, Names, Thing};
use super::tables::Tables;

/// The names of a spec for the evaluation of its expressions.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    names: &'a Names<'a>,
    tables: &'a Tables<'a>,
    axes: AxesOf,
    /// Inputs by path.
    inputs: BTreeMap<String, Item>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(names: &'a Names<'a>, tables: &'a Tables<'a>, axes: AxesOf) -> Self {
        Self { names, tables, axes, inputs: BTreeMap::new() }
    }

    /// The space of a sample, or of the elements of an axis.
    fn space(&self, to: &Builder, axis: Option<AxisId>) -> Space {
        to.graph().axes().close(&[axis.unwrap_or(self.axes.batch)])
    }

    /// The feature, group or label of a name, of the sample or of each element of an axis.
    fn thing(&mut self, to: &mut Builder, name: &str, axis: Option<AxisId>) -> Option<Item> {
        let path = match axis {
            Some(axis) => format!("{}.{name}", to.graph().axis(axis).name),
            None => name.to_owned(),
        };
        if let Some(known) = self.inputs.get(&path) {
            return Some(known.clone());
        }
        let axis_name = axis.map(|axis| to.graph().axis(axis).name.clone());
        let known = self.names.thing(name).filter(|_| !self.names.is_broken(name));
        let item = match known? {
            Thing::Feature(feature) => self.feature(to, name, &path, feature, axis)?,
            Thing::Group(members) => {
                let members: Option<Vec<Item>> =
                    members.iter().map(|member| self.thing(to, &member.name, axis)).collect();
                Item::Group(Group { path: path.clone(), members: members? })
            }
            Thing::Label => {
                let source = InputSource::Label { axis: axis_name, label: name.to_owned() };
                Item::Label(to.input(&path, Type::f32(self.space(to, axis), 1), source))
            }
            // Along a list it is a value of each element, under its plain name.
            Thing::Run(run) => {
                let along = match &run.along {
                    Some(along) => Some(*self.axes.named.get(&along.name)?),
                    None => None,
                };
                let source =
                    InputSource::Run { axis: run.along.as_ref().map(|along| along.name.clone()), run: name.to_owned() };
                let ty = Type::f32(self.space(to, along), self.names.width_of_run(name)?);
                Item::Value(to.input(&path, ty, source))
            }
            Thing::Axis(_) | Thing::Model => return None,
        };
        self.inputs.insert(path, item.clone());
        Some(item)
    }

    fn feature(
        &mut self,
        to: &mut Builder,
        name: &str,
        path: &str,
        feature: &FeatureSpec,
        axis: Option<AxisId>,
    ) -> Option<Item> {
        let axis_name = axis.map(|axis| to.graph().axis(axis).name.clone());
        let is_target = axis.is_none()
            && self.names.spec.features.iter().any(|own| own.name.name == name && self.names.spec.is_of_target(own));
        let source = match is_target {
            true => InputSource::Target { feature: name.to_owned() },
            false => InputSource::Feature {
                of_item: is_of_item(self.names.spec, feature, axis_name.as_deref()),
                axis: axis_name,
                feature: name.to_owned(),
            },
        };
        let space = self.space(to, axis);
        let table = feature.table.as_ref().map_or(name, |table| table.name.as_str());
        let ids = |to: &mut Builder, space: Space, bag| {
            let vocabulary = self.tables.vocabulary(table)?;
            let value = to.input(path, Type::id(vocabulary, space), source.clone());
            Some(Item::Ids(Ids { value, table: table.to_owned(), bag }))
        };
        match feature.kind.value {
            FeatureKind::Id | FeatureKind::Bucket => ids(to, space, None),
            FeatureKind::Ids => {
                let max = feature.max.as_ref().map(|max| max.value);
                let parent = axis.unwrap_or(self.axes.batch);
                let bag = to.axis(path, Some(parent), AxisKind::Ragged { max });
                let pooling = match feature.pool {
                    Pool::Mean => Pooling::Mean,
                    Pool::Sum => Pooling::Sum,
                    Pool::None => Pooling::None,
                };
                let space = self.space(to, Some(bag));
                ids(to, space, Some((bag, pooling)))
            }
            FeatureKind::Number => {
                let width = if feature.missing.flag { 2 } else { 1 };
                Some(Item::Value(to.input(path, Type::f32(space, width), source)))
            }
            FeatureKind::Vector => Some(Item::Value(to.input(path, Type::f32(space, vector_width(feature)?), source))),
        }
    }

    /// Whether a name is a feature of the column of the same name.
    fn reads_outcome(&self, name: &str) -> bool {
        let of = |feature: &FeatureSpec| feature.column.as_ref().map_or(name, |column| &column.name) == name;
        matches!(self.names.thing(name), Some(Thing::Feature(feature)) if feature.value.is_none() && of(feature))
    }

    /// The log probability of each element of a drawn axis.
    fn log_q(&mut self, to: &mut Builder, axis: AxisId) -> Item {
        let name = to.graph().axis(axis).name.clone();
        let path = format!("{name}.{LOG_Q}");
        if let Some(known) = self.inputs.get(&path) {
            return known.clone();
        }
        let ty = Type::f32(self.space(to, Some(axis)), 1);
        let item = Item::Value(to.input(&path, ty, InputSource::LogQ { axis: name }));
        self.inputs.insert(path, item.clone());
        item
    }

    /// An outcome column of the sample as a number.
    fn outcome(&mut self, to: &mut Builder, name: &str) -> Item {
        let path = format!("outcome.{name}");
        if let Some(known) = self.inputs.get(&path) {
            return known.clone();
        }
        let source = InputSource::Outcome { axis: None, column: name.to_owned() };
        let item = Item::Label(to.input(&path, Type::f32(self.space(to, None), 1), source));
        self.inputs.insert(path, item.clone());
        item
    }
}

/// Whether a request has a value of its own for each candidate: a feature of the sample's item, or of the elements of an
/// axis that are found by a column of it, such as an item's earlier users.
fn is_of_item(spec: &Spec, feature: &FeatureSpec, axis: Option<&str>) -> bool {
    let of_item = |feature: &FeatureSpec| feature.side.as_ref().is_some_and(|side| side.value == Side::Item);
    let Some(axis) = axis else { return of_item(feature) };
    let by = match spec.axes.iter().find(|known| known.name.name == axis).map(|known| &known.value.origin) {
        Some(AxisOrigin::From { by, .. }) => by,
        Some(AxisOrigin::Within { axis, .. }) => return is_of_item(spec, feature, Some(&axis.name)),
        _ => return false,
    };
    let reads = |feature: &Named<FeatureSpec>| {
        feature.value.column.as_ref().unwrap_or(&feature.name).name == by.name && of_item(&feature.value)
    };
    spec.features.iter().any(reads)
}

/// How wide a vector is: as many as its columns, or `dim:` where one column holds it; one more for a flag that says whether
/// a number was missing.
pub(super) fn vector_width(feature: &FeatureSpec) -> Option<u32> {
    let numbers = match (&feature.columns, &feature.own_table.dim) {
        (Some(columns), _) => Some(columns.len() as u32).filter(|width| *width > 0),
        (None, Some(dim)) => Some(dim.value),
        (None, None) => None,
    };
    numbers.map(|numbers| numbers + u32::from(feature.missing.flag))
}

impl Outer for Inputs<'_> {
    /// The names of the spec, and [`SEEN`]: an expression of a spec cannot name it, the lowering of a metric can.
    fn name(&mut self, to: &mut Builder, name: &str) -> Result<Option<Item>, Fault> {
        if name == BATCH {
            return Ok(Some(Item::Axis(self.axes.batch)));
        }
        if name == SEEN {
            return Ok(self.axes.seen(self.names.spec, to).map(Item::Axis));
        }
        // A feature of a column that is an outcome stands along axes only; of the sample, the outcome is meant.
        let thing = self.names.thing(name).filter(|_| !self.names.is_broken(name));
        if self.names.is_outcome(name) && (thing.is_none() || self.reads_outcome(name)) {
            return Ok(Some(self.outcome(to, name)));
        }
        Ok(match thing {
            Some(Thing::Axis(_)) => self.axes.named.get(name).map(|axis| Item::Axis(*axis)),
            Some(_) => self.thing(to, name, None),
            None => None,
        })
    }

    fn member(&mut self, to: &mut Builder, axis: AxisId, member: &str) -> Result<Option<Item>, Fault> {
        if member == LOG_Q && self.names.thing(LOG_Q).is_none() {
            return Ok(Some(self.log_q(to, axis)));
        }
        Ok(self.thing(to, member, Some(axis)))
    }

    fn table(&self, name: &str) -> Option<TableParam> {
        self.tables.param(name)
    }
}
