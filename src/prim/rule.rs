//! Checks that the type rules of many operations share.

use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Fault, Site};
use crate::ir::types::{Elem, Space, Type};

/// Exactly `N` operands.
pub(super) fn operands<'a, const N: usize>(name: &str, site: &Site<'a>) -> Result<[&'a Type; N], Fault> {
    <[&Type; N]>::try_from(site.operands).map_err(|_| {
        let plural = if N == 1 { "operand" } else { "operands" };
        Fault::new("E0310", format!("`{name}` takes {N} {plural}, found {}", site.operands.len()))
    })
}

/// Operand `i` is made of numbers; conditions are the numbers 0 and 1.
pub(super) fn numbers(name: &str, site: &Site, i: usize) -> Result<(), Fault> {
    match site.operands.get(i) {
        Some(ty) if ty.is_float() => Ok(()),
        Some(ty) => Err(Fault::new("E0302", format!("`{name}` takes numbers, found {}", site.show(ty))).of(i)),
        None => Err(Fault::new("E0310", format!("`{name}` takes an operand more than {}", site.operands.len()))),
    }
}

/// Operand `i` is a condition.
pub(super) fn condition(name: &str, site: &Site, i: usize) -> Result<(), Fault> {
    match site.operands.get(i) {
        Some(ty) if ty.elem == Elem::Bool => Ok(()),
        Some(ty) => Err(Fault::new("E0302", format!("`{name}` takes a condition, found {}", site.show(ty))).of(i)),
        None => Err(Fault::new("E0310", format!("`{name}` takes an operand more than {}", site.operands.len()))),
    }
}

/// The operands of a reduction, `x` or `x, c`: a condition says which rows of `x` count, so it has no axis that `x` lacks
/// and is one wide or as wide as `x`.
pub(super) fn chosen<'a>(name: &str, site: &Site<'a>) -> Result<(&'a Type, Option<&'a Type>), Fault> {
    let (x, c) = match site.operands {
        [x] => (*x, None),
        [x, c] => (*x, Some(*c)),
        other => return Err(Fault::new("E0310", format!("`{name}` takes 1 or 2 operands, found {}", other.len()))),
    };
    numbers(name, site, 0)?;
    if let Some(c) = c {
        condition(name, site, 1)?;
        if !x.space.covers(&c.space) || c.height != x.height || (c.width != 1 && c.width != x.width) {
            let title = format!("`{name}` of {} cannot choose by {}", site.show(x), site.show(c));
            return Err(Fault::new("E0301", title).of(1));
        }
    }
    Ok((x, c))
}

/// All operands are numbers, or ids of one vocabulary, or places of one axis; of one width and a height of 1.
pub(super) fn alike(name: &str, site: &Site) -> Result<(), Fault> {
    let Some(first) = site.operands.first() else {
        return Err(Fault::new("E0310", format!("`{name}` takes an operand, found none")));
    };
    for (i, ty) in site.operands.iter().enumerate() {
        if ty.elem != first.elem && !(ty.is_float() && first.is_float()) {
            let title = format!("`{name}` needs values of one kind, found {} and {}", site.show(first), site.show(ty));
            return Err(Fault::new("E0302", title).of(i));
        }
        if ty.width != first.width || ty.height != 1 {
            let title = format!("`{name}` needs equal widths, found {} and {}", site.show(first), site.show(ty));
            return Err(Fault::new("E0301", title).of(i));
        }
    }
    Ok(())
}

/// The space of the first operand `x` without the axes of `over`, all of which it has, and nothing under them that stays.
pub(super) fn space_without(name: &str, site: &Site, x: &Type) -> Result<Space, Fault> {
    let over = site.attrs.axes("over");
    if let Some(&lacking) = over.iter().find(|&&axis| !x.space.has(axis)) {
        let lacking = &site.axes.get(lacking).name;
        let title = format!("`{name}` over `{lacking}`, an axis that the value lacks: {}", site.show(x));
        return Err(Fault::new("E0305", title).of(0));
    }
    site.axes.without(&x.space, over).map_err(|child| {
        let child = &site.axes.get(child).name;
        let title = format!("`{name}` over an axis that `{child}` stands under: {}", site.show(x));
        Fault::new("E0306", title).of(0).help(format!("reduce over `{child}` first"))
    })
}

/// An attribute that counts something; 0 for what no count can be.
pub(super) fn size(site: &Site, name: &str) -> u32 {
    u32::try_from(site.attrs.int(name)).unwrap_or(0)
}

/// An attribute that the type rule refuses.
pub(super) fn bad_attribute(name: &str, fact: impl std::fmt::Display) -> Fault {
    Fault::new("E0311", format!("`{name}`: {fact}"))
}

/// Whether the axes of `over` hold the samples themselves.
pub(super) fn reduces_batch(site: &Site) -> bool {
    site.attrs.axes("over").iter().any(|&axis| matches!(site.axes.get(axis).kind, AxisKind::Batch))
}

/// `space` without the axes of `over`, which a type rule has checked.
pub(super) fn left(call: &Call, space: &Space) -> Space {
    call.rows.axes().without(space, call.attrs.axes("over")).unwrap_or_default()
}
