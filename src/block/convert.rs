//! Items as what a parameter takes: ids become numbers by their table, a known number becomes a constant.

use crate::diag::{Diagnostic, Span};
use crate::ir::axis::AxisId;
use crate::ir::graph::ValueId;
use crate::ir::op::Fault;
use crate::ir::types::{Elem, Type};
use crate::prim::make;

use super::evaluate::{Evaluator, Said, TableParam};
use super::item::{Group, Ids, Item, Pooling};
use super::signature::Kind;

impl Evaluator<'_> {
    /// An item as an argument of a kind.
    pub(super) fn convert(&mut self, item: Item, kind: Kind, span: Span) -> Result<Item, Said> {
        match (kind, item) {
            (Kind::Any, item) => Ok(item),
            (Kind::Value, item) => self.number_value(item, span).map(Item::Value),
            (Kind::Condition, item) => self.condition(item, span).map(Item::Value),
            (Kind::Ids, item @ Item::Ids(_)) => Ok(item),
            (Kind::Number, item @ Item::Number(_)) => Ok(item),
            (Kind::Count, Item::Number(number)) if is_count(number) => Ok(Item::Number(number)),
            (Kind::Counts, item @ Item::Number(_)) => self.convert(Item::List(vec![item]), kind, span),
            (Kind::Counts, Item::List(items))
                if items.iter().all(|item| matches!(item, Item::Number(number) if is_count(*number))) =>
            {
                Ok(Item::List(items))
            }
            (Kind::Flag, item @ Item::Bool(_)) => Ok(item),
            (Kind::Axis, item) => match axis(&item) {
                Some(axis) => Ok(Item::Axis(axis)),
                None => Err(self.unfit(&item, kind, span)),
            },
            (Kind::Axes | Kind::Over, Item::List(items)) => {
                let axes: Option<Vec<Item>> = items.iter().map(|item| axis(item).map(Item::Axis)).collect();
                match axes {
                    Some(axes) if !axes.is_empty() => Ok(Item::List(axes)),
                    _ => Err(self.unfit(&Item::List(items), kind, span)),
                }
            }
            (Kind::Over, Item::Width) => Ok(Item::Width),
            (Kind::Axes | Kind::Over, item) => match axis(&item) {
                Some(axis) => Ok(Item::List(vec![Item::Axis(axis)])),
                None => Err(self.unfit(&item, kind, span)),
            },
            (Kind::Function | Kind::Step, item @ Item::Function(_)) => Ok(item),
            (Kind::Init, item @ Item::Init(_)) => Ok(item),
            (Kind::Word | Kind::Table | Kind::Name | Kind::NewAxis, item @ Item::Text(_)) => Ok(item),
            (Kind::Lengths, item) => self.convert(item, Kind::Count, span),
            (_, item) => Err(self.unfit(&item, kind, span)),
        }
    }

    fn unfit(&mut self, item: &Item, kind: Kind, span: Span) -> Said {
        let found = item.describe(self.to.graph());
        let finding = Diagnostic::new("E0302", format!("expected {}, found {found}", wanted(kind))).at(span, "");
        self.say(match kind {
            Kind::Axis | Kind::Axes | Kind::Over => {
                finding.help("axes stand under `axes:`; `over=width` reduces the width")
            }
            Kind::Ids => finding.help("ids come from a feature of `type: id`, `ids` or `bucket`"),
            _ => finding,
        })
    }

    /// A value of numbers.
    pub fn number_value(&mut self, item: Item, span: Span) -> Result<ValueId, Said> {
        let made = match &item {
            Item::Value(value) if !matches!(self.to.ty(*value).elem, Elem::F32 | Elem::Bool) => None,
            Item::Value(value) | Item::Counted { value, .. } => Some(Ok(*value)),
            Item::Scores(scores) => Some(super::candidate::all(&mut self.to, scores)),
            Item::Positions(_) => {
                let finding = Diagnostic::new("E0302", "positions whose width is not known").at(span, "");
                let way_out = "`positions(..., dim=16)` says it; added to a value they are as wide as that";
                return Err(self.say(finding.help(way_out)));
            }
            Item::Number(number) => Some(self.constant(*number)),
            Item::Ids(ids) => Some(self.rows(ids, &ids.table)),
            Item::Label(value) => Some(self.known_label(*value)),
            Item::Group(group) => Some(self.beside(group, span)?),
            _ => None,
        };
        match made {
            Some(made) => {
                let value = self.placed(made, span, &[])?;
                self.note(span, value);
                Ok(value)
            }
            None => {
                let found = item.describe(self.to.graph());
                Err(self.say(Diagnostic::new("E0302", format!("expected numbers, found {found}")).at(span, "")))
            }
        }
    }

    /// A condition: `where=`, the first part of `if`.
    pub(super) fn condition(&mut self, item: Item, span: Span) -> Result<ValueId, Said> {
        match item {
            Item::Value(value) if self.to.ty(value).elem == Elem::Bool => Ok(value),
            Item::Bool(known) => {
                let made = self.constant(f64::from(u8::from(known))).and_then(|value| self.holds(value));
                self.placed(made, span, &[])
            }
            // A label that is not known does not hold.
            Item::Label(label) => {
                let made = self.holds(label);
                self.placed(made, span, &[])
            }
            other => {
                let found = other.describe(self.to.graph());
                let finding = Diagnostic::new("E0302", format!("expected a condition, found {found}")).at(span, "");
                Err(self.say(finding.help("a comparison is one: `x > 0`")))
            }
        }
    }

    /// Whether a 0 or 1 is 1.
    fn holds(&mut self, value: ValueId) -> Result<ValueId, Fault> {
        let half = self.constant(0.5)?;
        make::binary(&mut self.to, "gt", value, half)
    }

    /// The members of a group side by side: one value wherever it is asked for.
    fn beside(&mut self, group: &Group, span: Span) -> Result<Result<ValueId, Fault>, Said> {
        if let Some(&known) = self.groups.get(&group.path) {
            return Ok(Ok(known));
        }
        let members: Vec<_> = group.members.iter().map(|member| self.number_value(member.clone(), span)).collect();
        let members = members.into_iter().collect::<Result<Vec<_>, _>>()?;
        let outside = self.to.enter(group.path.clone());
        let made = make::concat(&mut self.to, &members);
        self.to.enter(outside);
        if let (Ok(value), [_, _, ..]) = (&made, &members[..]) {
            self.give_name(&Item::Value(*value), &group.path);
            self.groups.insert(group.path.clone(), *value);
        }
        Ok(made)
    }

    /// The rows of a table for ids: one lookup for the same ids and table, wherever it is asked for.
    pub(super) fn rows(&mut self, ids: &Ids, table: &str) -> Result<ValueId, Fault> {
        let key = (ids.value, table.to_owned());
        if let Some(&known) = self.looked_up.get(&key) {
            return Ok(known);
        }
        let param = self.outer.table(table).ok_or_else(|| Fault::new("E0399", format!("no table `{table}`")))?;
        let name = self.to.graph().value(ids.value).name.clone();
        let scope = if ids.table == table { name } else { format!("{name}.{table}") };
        let outside = self.to.enter(scope);
        let made = self.gather(ids, table, &param);
        self.to.enter(outside);
        let value = made?;
        self.looked_up.insert(key, value);
        Ok(value)
    }

    fn gather(&mut self, ids: &Ids, table: &str, param: &TableParam) -> Result<ValueId, Fault> {
        let distinct = self.to.table_axis(table, true);
        let place = make::locate(&mut self.to, ids.value, distinct)?;
        let fetched = self.fetched(table, param)?;
        let rows = make::gather(&mut self.to, fetched, place)?;
        match ids.bag {
            Some((axis, Pooling::Mean)) => make::mean(&mut self.to, rows, vec![axis], None),
            Some((axis, Pooling::Sum)) => make::sum(&mut self.to, rows, vec![axis]),
            Some((_, Pooling::None)) | None => Ok(rows),
        }
    }

    /// The rows of a table that a batch looks up: one node per table.
    pub fn fetched(&mut self, table: &str, param: &TableParam) -> Result<ValueId, Fault> {
        let (axis, distinct) = (self.to.table_axis(table, false), self.to.table_axis(table, true));
        let space = self.to.graph().axes().close(&[axis]);
        let value = self.to.param(table, Type::f32(space, param.dim), param.init, param.role)?;
        let key = (value, table.to_owned());
        if let Some(&known) = self.looked_up.get(&key) {
            return Ok(known);
        }
        let outside = self.to.enter(table);
        let fetched = make::fetch(&mut self.to, value, distinct);
        self.to.enter(outside);
        self.looked_up.insert(key, fetched.clone()?);
        fetched
    }

    /// A label as a number to calculate with: 0 where it is not known, so that no null spreads. A loss leaves those rows out.
    fn known_label(&mut self, label: ValueId) -> Result<ValueId, Fault> {
        let key = (label, String::new());
        if let Some(&known) = self.looked_up.get(&key) {
            return Ok(known);
        }
        let known = make::unary(&mut self.to, "known", label)?;
        let zero = self.constant(0.0)?;
        let value = make::choose(&mut self.to, known, label, zero)?;
        self.looked_up.insert(key, value);
        Ok(value)
    }
}

/// The axis that an item is: itself, or that of several ids, which share a name.
fn axis(item: &Item) -> Option<AxisId> {
    match item {
        Item::Axis(axis) => Some(*axis),
        Item::Ids(Ids { bag: Some((axis, Pooling::None)), .. }) => Some(*axis),
        _ => None,
    }
}

fn is_count(number: f64) -> bool {
    number >= 1.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX)
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "anything",
        Kind::Value => "numbers",
        Kind::Ids => "ids",
        Kind::Condition => "a condition",
        Kind::Number => "a number that is known beforehand",
        Kind::Count => "a whole number from 1 on",
        Kind::Counts => "a list of whole numbers from 1 on",
        Kind::Flag => "`true` or `false`",
        Kind::Axis => "an axis",
        Kind::Axes => "an axis or a list of axes",
        Kind::Over => "an axis, a list of axes, or `width`",
        Kind::Function | Kind::Step => "the name of a function",
        Kind::Passed => "arguments of a function",
        Kind::NewAxis => "the name of an axis",
        Kind::Lengths => "a length under the name of an axis, such as `heads=8`",
        Kind::Word => "a word",
        Kind::Init => "a first value such as `normal(0.01)`",
        Kind::Table => "the name of a table",
        Kind::Name => "a name",
    }
}
