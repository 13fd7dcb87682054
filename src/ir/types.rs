//! Element, space, width: what a value is.

use std::sync::Arc;

use super::axis::AxisId;

/// What one number of a value means. Only `F32` and `Bool` are floats in memory (`Bool` is 0 or 1); the others are `u32`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elem {
    /// A number.
    F32,
    /// A condition.
    Bool,
    /// A row of a vocabulary. Row 0 is the unknown id.
    Id(Arc<str>),
    /// The place of an element of an axis: what `gather` follows.
    Index(AxisId),
}

/// A set of axes closed under parent, in order of declaration, outermost first. No axes: the unit space of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Space(Vec<AxisId>);

/// The type of a value: a matrix of `rows(space) * height` rows and `width` columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// What its numbers mean.
    pub elem: Elem,
    /// What its rows stand for.
    pub space: Space,
    /// Rows of a weight matrix, `k` of `f32[k x n]`; 1 for everything that has a real space.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Space {
    /// The unit space: parameters, batch statistics, losses.
    pub fn unit() -> Self {
        Self::default()
    }

    /// A space of axes that the caller has already closed and ordered; [`super::axis::Axes::close`] does both.
    pub(super) fn from_closed(axes: Vec<AxisId>) -> Self {
        Self(axes)
    }

    /// The axes, outermost first.
    pub fn axes(&self) -> &[AxisId] {
        &self.0
    }

    /// Whether `axis` is one of them.
    pub fn has(&self, axis: AxisId) -> bool {
        self.0.contains(&axis)
    }

    /// Whether every axis of `other` is one of them: `other` broadcasts into this space.
    pub fn covers(&self, other: &Space) -> bool {
        other.0.iter().all(|&axis| self.has(axis))
    }

    /// Both sets of axes together; closed, since both are.
    pub fn unite(&self, other: &Space) -> Space {
        let mut axes = self.0.clone();
        axes.extend(other.0.iter().filter(|axis| !self.has(**axis)));
        axes.sort();
        Space(axes)
    }

    /// The axes of this space that `other` lacks: what a sum to `other` reduces.
    pub fn beyond(&self, other: &Space) -> Vec<AxisId> {
        self.0.iter().copied().filter(|&axis| !other.has(axis)).collect()
    }

    /// Whether no axis is left.
    pub fn is_unit(&self) -> bool {
        self.0.is_empty()
    }
}

impl Type {
    /// Numbers, `width` a row.
    pub fn f32(space: Space, width: u32) -> Self {
        Self { elem: Elem::F32, space, height: 1, width }
    }

    /// Conditions, one a row.
    pub fn bool(space: Space) -> Self {
        Self { elem: Elem::Bool, space, height: 1, width: 1 }
    }

    /// Ids of a vocabulary, one a row.
    pub fn id(vocabulary: impl Into<Arc<str>>, space: Space) -> Self {
        Self { elem: Elem::Id(vocabulary.into()), space, height: 1, width: 1 }
    }

    /// Places of elements of `axis`, one a row.
    pub fn index(axis: AxisId, space: Space) -> Self {
        Self { elem: Elem::Index(axis), space, height: 1, width: 1 }
    }

    /// A weight matrix `f32[height x width]` in the unit space.
    pub fn matrix(height: u32, width: u32) -> Self {
        Self { elem: Elem::F32, space: Space::unit(), height, width }
    }

    /// Whether it is stored as floats: numbers and conditions.
    pub fn is_float(&self) -> bool {
        matches!(self.elem, Elem::F32 | Elem::Bool)
    }

    /// The same element, space and height with another width.
    #[must_use]
    pub fn with_width(&self, width: u32) -> Self {
        Self { width, ..self.clone() }
    }

    /// The same element, height and width in another space.
    #[must_use]
    pub fn with_space(&self, space: Space) -> Self {
        Self { space, ..self.clone() }
    }
}
