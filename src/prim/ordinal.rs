//! Places as numbers, numbers as places, and the waves of places.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::axis::AxisKind;
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::{moves, rule, tensor};

/// `ordinal {axis, from_end}`: the number of each element of `axis` under its parent, the first (from the end: the last)
/// being 0.
#[derive(Debug)]
pub struct Ordinal;

/// `bin(x) {to}`: the largest whole number that is at most `x`, as a place of the static axis `to`; the first place for
/// numbers below and NaN, the last for numbers above.
#[derive(Debug)]
pub struct Bin;

/// `sinusoid(x) {width}`: sine and cosine of `x / 10000^(2i/width)`, side by side for each `i` (Vaswani et al. 2017, section
/// 3.5). Taken as a constant: there is no derivative.
#[derive(Debug)]
pub struct Sinusoid;

impl Op for Ordinal {
    fn name(&self) -> &'static str {
        "ordinal"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("axis", AttrKind::Axis), ("from_end", AttrKind::Bool)]
    }

    /// (C1) No operands.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [] = rule::operands(self.name(), site)?;
        match site.attrs.axis("axis") {
            Some(axis) => Ok(vec![Type::f32(site.axes.close(&[axis]), 1)]),
            None => Err(rule::bad_attribute(self.name(), "an axis is needed")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let Some(axis) = call.attrs.axis("axis") else { candle_core::bail!("ordinal: no axis") };
        let (space, offsets) = (&call.results[0].space, call.rows.offsets(axis));
        let (elements, parents) = (call.rows.element(space, axis), moves::parents(call.rows, space, axis));
        let from_end = call.attrs.flag("from_end");
        let numbers = elements.iter().zip(parents.iter()).map(|(&own, &parent)| {
            let (first, end) = (offsets[parent as usize], offsets[parent as usize + 1]);
            (if from_end { end - 1 - own } else { own - first }) as f32
        });
        Ok(vec![Tensor::from_vec(numbers.collect::<Vec<f32>>(), call.shape(0), call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }

    fn couples_samples(&self, site: &Site) -> bool {
        // The number of a sample in its batch says which other samples there are.
        site.attrs.axis("axis").is_some_and(|axis| {
            let kind = &site.axes.get(axis).kind;
            matches!(kind, AxisKind::Batch | AxisKind::Twin { .. }) && site.axes.get(axis).parent.is_none()
        })
    }
}

impl Op for Bin {
    fn name(&self) -> &'static str {
        "bin"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("to", AttrKind::Axis)]
    }

    /// (C1) One number a row. (C2) `to` is static.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        if x.width != 1 || x.height != 1 {
            return Err(Fault::new("E0301", format!("`bin` of {}, expected a width of 1", site.show(x))).of(0));
        }
        match site.attrs.axis("to") {
            Some(to) if matches!(site.axes.get(to).kind, AxisKind::Static { .. }) => {
                Ok(vec![Type::index(to, x.space.clone())])
            }
            _ => Err(rule::bad_attribute(self.name(), "`to` is no static axis")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let len = call.attrs.axis("to").and_then(|to| call.rows.axes().fixed(to)).unwrap_or(1);
        let last = f64::from(len.saturating_sub(1));
        let numbers = tensor::to_doubles(&call.operands[0])?;
        // A cast takes NaN to 0.
        let places: Vec<u32> = numbers.iter().map(|x| x.floor().clamp(0.0, last) as u32).collect();
        Ok(vec![Tensor::from_vec(places, call.shape(0), call.device)?])
    }

    /// A place has no derivative.
    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}

impl Op for Sinusoid {
    fn name(&self) -> &'static str {
        "sinusoid"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("width", AttrKind::Int)]
    }

    /// (C1) One number a row. (C2) The width is even.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [x] = rule::operands(self.name(), site)?;
        rule::numbers(self.name(), site, 0)?;
        if x.width != 1 || x.height != 1 {
            return Err(Fault::new("E0301", format!("`sinusoid` of {}, expected a width of 1", site.show(x))).of(0));
        }
        match u32::try_from(site.attrs.int("width")) {
            Ok(width) if width > 0 && width % 2 == 0 => Ok(vec![Type::f32(x.space.clone(), width)]),
            _ => Err(Fault::new("E0301", "sines and cosines need an even width")),
        }
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (rows, width) = call.shape(0);
        let half = width / 2;
        let numbers = tensor::to_doubles(&call.operands[0])?;
        let mut waves = Vec::with_capacity(rows * width);
        for x in numbers {
            let angle = |i: usize| x / 10_000f64.powf(2.0 * i as f64 / width as f64);
            waves.extend((0..half).flat_map(|i| [angle(i).sin(), angle(i).cos()]));
        }
        let waves = Tensor::from_vec(waves, (rows, width), call.device)?;
        Ok(vec![waves.to_dtype(call.operands[0].dtype())?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(vec![None])
    }
}

#[cfg(test)]
mod tests {
    use crate::prim::check::{Batch, graph, refused, value};

    const PLACES: &str = "
        axis h: ragged(3) of B
        axis n: static(3)
        param @row: f32[n, 1] = 0
        %newest: f32[B, h, 1] = ordinal() {axis: h, from_end: true}
        %oldest: f32[B, h, 1] = ordinal() {axis: h, from_end: false}
        input %x: f32[B, h, 1]
        %bin: index<n>[B, h] = bin(%x) {to: n}
        %e: f32[B, h, 1] = gather(@row, %bin)
        %wave: f32[B, h, 4] = sinusoid(%newest) {width: 4}";

    #[test]
    fn elements_are_numbered_from_either_end() {
        let batch = Batch::of(3).axis("h", &[0, 2, 2, 5]).with("@row", &[7.0, 8.0, 9.0]);
        let batch = batch.with("x", &[-3.0, 0.9, 1.0, 44.0, f64::NAN]);
        assert_eq!(value(&graph(PLACES), &batch, "newest"), [1.0, 0.0, 2.0, 1.0, 0.0]);
        assert_eq!(value(&graph(PLACES), &batch, "oldest"), [0.0, 1.0, 0.0, 1.0, 2.0]);
        assert_eq!(value(&graph(PLACES), &batch, "e"), [7.0, 7.0, 8.0, 9.0, 7.0]);
        let wave = value(&graph(PLACES), &batch, "wave");
        // The second pair turns 10000^(2/4) = 100 times slower than the first.
        for (found, expected) in
            wave.iter().zip([1f64.sin(), 1f64.cos(), 0.01f64.sin(), 0.01f64.cos(), 0.0, 1.0, 0.0, 1.0])
        {
            assert!((found - expected).abs() < 1e-6, "{wave:?}");
        }
    }

    #[test]
    fn what_is_no_number_a_row_is_refused() {
        let lines = |line: &str| refused(&format!("axis n: static(3) input %x: f32[B, 2] {line}"));
        assert_eq!(lines("%y: index<n>[B] = bin(%x) {to: n}"), "E0301");
        assert_eq!(lines("%y: index<n>[B] = bin(%x) {to: B}"), "E0301");
        assert_eq!(lines("%y: f32[B, 3] = sinusoid(%x) {width: 3}"), "E0301");
    }
}
