//! Types and attributes of a text.

use pest::iterators::Pair;

use super::super::attr::{Attr, AttrKind, Attrs, Declared};
use super::super::axis::AxisId;
use super::super::types::{Elem, Type};
use super::grammar::Rule;
use super::{Reader, parts, plain_text};

impl Reader {
    /// A stated type.
    pub(super) fn ty(&mut self, piece: &Pair<'_, Rule>) -> Option<Type> {
        let (mut elem, mut axes, mut extent) = (Some(Elem::F32), Some(Vec::new()), None);
        for part in parts(piece.clone()) {
            match part.as_rule() {
                Rule::element => elem = self.element(&part),
                Rule::axis_name => match (self.axis(&part), &mut axes) {
                    (Some(axis), Some(axes)) => axes.push(axis),
                    _ => axes = None,
                },
                Rule::whole => extent = Some((1, self.whole(&part)?)),
                Rule::matrix => {
                    let mut sides = parts(part);
                    let (height, width) = (sides.next()?, sides.next()?);
                    extent = Some((self.whole(&height)?, self.whole(&width)?));
                }
                _ => {}
            }
        }
        let (elem, axes) = (elem?, axes?);
        let space = self.scope.to.graph().axes().close(&axes);
        let (height, width) = extent.unwrap_or((1, 1));
        let ty = Type { elem, space, height, width };
        self.is_as_shown(&ty, piece).then_some(ty)
    }

    /// Whether a type of the text is written as it prints: axes closed under parent, outermost first, a width of at least
    /// 1 that is left out only where it is always 1.
    fn is_as_shown(&mut self, ty: &Type, piece: &Pair<'_, Rule>) -> bool {
        let shown = self.scope.to.graph().axes().show(ty);
        let dense = |text: &str| text.split_whitespace().collect::<String>();
        let whole = ty.width > 0 && ty.height > 0 && (ty.height == 1 || ty.space.is_unit());
        if whole && dense(piece.as_str()) == dense(&shown) {
            return true;
        }
        let title = format!("no type is written `{}`", piece.as_str());
        self.error::<()>("E0333", title, piece, if whole { format!("expected {shown}") } else { String::new() });
        false
    }

    fn element(&mut self, piece: &Pair<'_, Rule>) -> Option<Elem> {
        let inner = parts(piece.clone()).next();
        match inner {
            Some(axis) if axis.as_rule() == Rule::axis_name => self.axis(&axis).map(Elem::Index),
            Some(vocabulary) => Some(Elem::Id(vocabulary.as_str().into())),
            None if piece.as_str().starts_with("bool") => Some(Elem::Bool),
            None => Some(Elem::F32),
        }
    }

    /// A count that fits its place.
    pub(super) fn whole(&mut self, piece: &Pair<'_, Rule>) -> Option<u32> {
        match piece.as_str().parse() {
            Ok(value) => Some(value),
            Err(_) => {
                let title = format!("expected a whole number below 4294967296, found `{}`", piece.as_str());
                self.error("E0330", title, piece, String::new())
            }
        }
    }

    /// The attributes of a call, each of the kind that the operation declares.
    pub(super) fn attributes(
        &mut self,
        piece: Pair<'_, Rule>,
        op: &str,
        declared: &'static [Declared],
    ) -> Option<Attrs> {
        let mut attrs = Some(Attrs::none());
        for attribute in parts(piece) {
            let mut parts = parts(attribute.clone());
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
            let Some(&(known, kind)) = declared.iter().find(|(known, _)| *known == name.as_str()) else {
                let title = format!("`{op}` has no attribute `{}`", name.as_str());
                attrs = self.error("E0311", title, &name, String::new());
                continue;
            };
            let repeated = attrs.as_ref().is_some_and(|attrs| attrs.get(known).is_some());
            let attr = if self.is_new(repeated, &name) { self.attribute(known, kind, &value) } else { None };
            attrs = match (attrs, attr) {
                (Some(attrs), Some(attr)) => Some(attrs.with(known, attr)),
                _ => None,
            };
        }
        attrs
    }

    fn attribute(&mut self, name: &str, kind: AttrKind, value: &Pair<'_, Rule>) -> Option<Attr> {
        let text = value.as_str();
        let read = match (kind, value.as_rule()) {
            (AttrKind::Bool, Rule::axis_name) => text.parse().ok().map(Attr::Bool),
            (AttrKind::Int, Rule::number) => text.parse().ok().map(Attr::Int),
            (AttrKind::Float, Rule::number) => text.parse().ok().map(Attr::Float),
            (AttrKind::Text, Rule::text) => Some(Attr::Text(plain_text(text))),
            (AttrKind::Axis | AttrKind::Axes, Rule::axis_name) => return self.axis(value).map(Attr::from),
            (AttrKind::Axes, Rule::list) if of(value, Rule::axis_name) => return self.axes(value).map(Attr::Axes),
            (AttrKind::List, Rule::list) if of(value, Rule::number) => {
                parts(value.clone()).map(|item| item.as_str().parse().ok()).collect::<Option<_>>().map(Attr::List)
            }
            _ => None,
        };
        match read {
            Some(attr) => Some(attr),
            None => self.error("E0311", format!("attribute `{name}` is {}", kind.word()), value, String::new()),
        }
    }

    fn axes(&mut self, list: &Pair<'_, Rule>) -> Option<Vec<AxisId>> {
        let axes: Vec<Option<AxisId>> = parts(list.clone()).map(|item| self.axis(&item)).collect();
        axes.into_iter().collect()
    }
}

/// Whether every item of a list is of one kind.
fn of(list: &Pair<'_, Rule>, rule: Rule) -> bool {
    parts(list.clone()).all(|item| item.as_rule() == rule)
}
