//! What a native function asks of the call that it got: its arguments by place, and parameters of its own.

use crate::ir::axis::AxisId;
use crate::ir::graph::{Init, Role, ValueId};
use crate::ir::op::Fault;
use crate::ir::types::Type;

use super::call::Call;
use super::item::{Ids, Item};

/// Arguments were converted to the kinds that the parameters declare, so a wrong kind here is a fault of the program.
impl Call<'_, '_> {
    /// An argument as it is.
    pub fn item(&self, at: usize) -> &Item {
        self.args.get(at).unwrap_or(&Item::Null)
    }

    /// A value of numbers.
    ///
    /// # Errors
    /// The parameter is of another kind.
    pub fn value(&self, at: usize) -> Result<ValueId, Fault> {
        match self.item(at) {
            Item::Value(value) => Ok(*value),
            _ => Err(self.unfit(at)),
        }
    }

    /// A value that may be left out.
    pub fn option(&self, at: usize) -> Option<ValueId> {
        self.value(at).ok()
    }

    /// All values of a parameter that takes many.
    pub fn values(&self, at: usize) -> Vec<ValueId> {
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(Item::raw).collect(),
            _ => Vec::new(),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// As above.
    pub fn number(&self, at: usize) -> Result<f64, Fault> {
        match self.item(at) {
            Item::Number(number) => Ok(*number),
            _ => Err(self.unfit(at)),
        }
    }

    /// A count.
    ///
    /// # Errors
    /// As above.
    pub fn count(&self, at: usize) -> Result<u32, Fault> {
        self.number(at).map(|number| number as u32)
    }

    /// Several counts.
    pub fn counts(&self, at: usize) -> Vec<u32> {
        let count = |item: &Item| if let Item::Number(number) = item { Some(*number as u32) } else { None };
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(count).collect(),
            _ => Vec::new(),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, at: usize) -> bool {
        matches!(self.item(at), Item::Bool(true))
    }

    /// A word, a name, the name of a table or of a function; empty if left out.
    pub fn word(&self, at: usize) -> &str {
        match self.item(at) {
            Item::Text(word) | Item::Function(word) => word,
            _ => "",
        }
    }

    /// A first value, or `or` if left out.
    pub fn init(&self, at: usize, or: Init) -> Init {
        match self.item(at) {
            Item::Init(init) => *init,
            _ => or,
        }
    }

    /// Axes; none for `width`.
    pub fn axes(&self, at: usize) -> Vec<AxisId> {
        let axis = |item: &Item| if let Item::Axis(axis) = item { Some(*axis) } else { None };
        match self.item(at) {
            Item::List(items) => items.iter().filter_map(axis).collect(),
            item => axis(item).into_iter().collect(),
        }
    }

    /// One axis.
    ///
    /// # Errors
    /// As above.
    pub fn axis(&self, at: usize) -> Result<AxisId, Fault> {
        match self.item(at) {
            Item::Axis(axis) => Ok(*axis),
            _ => Err(self.unfit(at)),
        }
    }

    /// Ids, one a row.
    ///
    /// # Errors
    /// Several ids a row, or the parameter is of another kind.
    pub fn ids(&self, at: usize) -> Result<Ids, Fault> {
        match self.item(at) {
            Item::Ids(ids) if ids.bag.is_none() => Ok(ids.clone()),
            Item::Ids(_) => {
                let title = format!("`{}` takes one id a row, found several", self.name);
                Err(Fault::new("E0302", title).of(at))
            }
            _ => Err(self.unfit(at)),
        }
    }

    /// The path of this call's own parameters.
    pub fn path(&mut self) -> String {
        self.at.paths.call(self.name, self.share.as_deref())
    }

    /// A trained parameter.
    ///
    /// # Errors
    /// Calls that share it need different ones.
    pub fn weight(&mut self, path: &str, ty: Type, init: Init) -> Result<ValueId, Fault> {
        self.at.to.param(path, ty, init, Role::Weight)
    }

    /// The width of a value.
    pub fn width(&self, value: ValueId) -> u32 {
        self.at.to.ty(value).width
    }

    fn unfit(&self, at: usize) -> Fault {
        Fault::new("E0399", format!("argument {at} of `{}` is of another kind", self.name))
    }
}
