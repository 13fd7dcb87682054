//! Noise, the only source of it: a dropout mask whose every number has an address.

use candle_core::Tensor;

use crate::ir::attr::{AttrKind, Declared};
use crate::ir::op::{Call, Cotangents, Fault, Op, Site, Vjp};
use crate::ir::types::Type;

use super::philox::Stream;
use super::rule;

/// `random {of, rate, stream, width}`: a matrix on the space `of` that is 0 with probability `rate` and `1 / (1 - rate)`
/// otherwise.
///
/// The address of a number is the seed, the stream, the step, the sample, and its place in the sample (row times width plus
/// column): not its place in the batch, so how samples are put into batches cannot change a draw.
#[derive(Debug)]
pub struct Random;

impl Op for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn attributes(&self) -> &'static [Declared] {
        &[("of", AttrKind::Axes), ("rate", AttrKind::Float), ("stream", AttrKind::Text), ("width", AttrKind::Int)]
    }

    /// (C1) No operands. (C2) `rate` is at least 0 and less than 1. (C3) `width` is at least 1.
    fn infer(&self, site: &Site) -> Result<Vec<Type>, Fault> {
        let [] = rule::operands(self.name(), site)?;
        let (rate, width) = (site.attrs.float("rate"), rule::size(site, "width"));
        if !(0.0..1.0).contains(&rate) || width == 0 {
            return Err(rule::bad_attribute(self.name(), format!("a rate of {rate} and a width of {width}")));
        }
        Ok(vec![Type::f32(site.axes.close(site.attrs.axes("of")), width)])
    }

    fn eval(&self, call: &Call) -> candle_core::Result<Vec<Tensor>> {
        let (rows, width) = call.shape(0);
        let mut mask = vec![0f32; rows * width];
        let stream = Stream::new(call.noise.seed, call.attrs.text("stream"));
        let space = &call.results[0].space;
        if call.rows.axes().batch_of(space).is_some() {
            let starts = call.rows.sample_starts(space);
            for (ends, &sample) in starts.windows(2).zip(call.rows.samples()) {
                let (from, to) = (ends[0] as usize * width, ends[1] as usize * width);
                dropout_mask(stream, call.noise.step, sample, call.attrs.float("rate"), &mut mask[from..to]);
            }
        } else {
            dropout_mask(stream, call.noise.step, 0, call.attrs.float("rate"), &mut mask);
        }
        Ok(vec![Tensor::from_vec(mask, (rows, width), call.device)?])
    }

    fn vjp(&self, _: &mut Vjp) -> Result<Cotangents, Fault> {
        Ok(Vec::new())
    }

    fn draws(&self) -> bool {
        true
    }
}

/// The numbers of one sample at one step. One block of the generator gives four of them.
pub fn dropout_mask(stream: Stream, step: u64, sample: u64, rate: f64, mask: &mut [f32]) {
    // A word is below the threshold with probability `rate`, to within 2^-32.
    let threshold = (rate * 4_294_967_296.0) as u64;
    let kept = (1.0 / (1.0 - rate)) as f32;
    for (block, numbers) in mask.chunks_mut(4).enumerate() {
        let words = stream.words([block as u32, step as u32, sample as u32, (sample >> 32) as u32]);
        for (number, word) in numbers.iter_mut().zip(words) {
            *number = if u64::from(word) < threshold { 0.0 } else { kept };
        }
    }
}
