//! Rows added to rows of a matrix by their numbers: every sum over an axis, and the gradient of every lookup, in the reference.
//!
//! The rows of one destination are brought together first, so that a destination is the work of one thread, or of one block
//! of a GPU, in a fixed order. Candle's own `index_add` runs one thread a column on a GPU, each over all rows.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType};

use super::tensor;

/// `base` with row `i` of `x` added to its row `places[i]`.
pub(super) fn add_rows(base: &Tensor, places: &[u32], x: &Tensor) -> Result<Tensor> {
    let (rows, width) = base.dims2()?;
    if x.dims2()? != (places.len(), width) {
        candle_core::bail!("{} places for rows of {:?} in {rows} x {width}", places.len(), x.shape());
    }
    if let Some(place) = places.iter().find(|&&place| place as usize >= rows) {
        candle_core::bail!("place {place} of {rows} rows");
    }
    tensor::own(base.clone())?.apply_op2_no_bwd(&tensor::own(x.clone())?, &ByTarget::of(places))
}

/// Most rows that one block of a GPU adds up; the rows of a destination with more are summed in pieces first.
#[cfg(any(test, feature = "cuda"))]
const PIECE: usize = 1024;

/// Rows by destination.
#[derive(Debug, PartialEq)]
struct ByTarget {
    /// The destinations, rising.
    targets: Vec<u32>,
    /// Where the rows of each begin, and one entry more.
    offsets: Vec<u32>,
    /// Rows of what is added, in order for each destination.
    rows: Vec<u32>,
}

impl ByTarget {
    fn of(places: &[u32]) -> Self {
        let mut rows: Vec<u32> = (0..places.len() as u32).collect();
        if !places.is_sorted() {
            radsort::sort_by_key(&mut rows, |&row| places[row as usize]);
        }
        let (mut targets, mut offsets) = (Vec::new(), Vec::new());
        for (at, &row) in rows.iter().enumerate() {
            let target = places[row as usize];
            if targets.last() != Some(&target) {
                targets.push(target);
                offsets.push(at as u32);
            }
        }
        offsets.push(rows.len() as u32);
        Self { targets, offsets, rows }
    }

    fn sums<T: WithDType>(&self, base: &[T], x: &[T], width: usize) -> Vec<T> {
        let mut out = base.to_vec();
        for (&target, range) in self.targets.iter().zip(self.offsets.windows(2)) {
            let out = &mut out[target as usize * width..(target as usize + 1) * width];
            for &row in &self.rows[range[0] as usize..range[1] as usize] {
                let x = &x[row as usize * width..(row as usize + 1) * width];
                out.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
            }
        }
        out
    }
}

#[cfg(any(test, feature = "cuda"))]
impl ByTarget {
    /// The same rows, at most so many to a destination: the destinations are the pieces.
    fn pieces(&self) -> Self {
        let mut offsets: Vec<u32> = Vec::new();
        for range in self.offsets.windows(2) {
            offsets.extend((range[0]..range[1]).step_by(PIECE));
        }
        let targets = (0..offsets.len() as u32).collect();
        offsets.push(self.rows.len() as u32);
        Self { targets, offsets, rows: self.rows.clone() }
    }

    /// The pieces by destination.
    fn of_pieces(&self) -> Self {
        let (mut offsets, mut pieces) = (vec![0], 0);
        for range in self.offsets.windows(2) {
            pieces += (range[1] - range[0]).div_ceil(PIECE as u32);
            offsets.push(pieces);
        }
        Self { targets: self.targets.clone(), offsets, rows: (0..pieces).collect() }
    }
}

/// The numbers of a contiguous tensor.
fn part<'a, T>(data: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&data[from..to]),
        None => candle_core::bail!("add_rows: not contiguous"),
    }
}

impl CustomOp2 for ByTarget {
    fn name(&self) -> &'static str {
        "add_rows"
    }

    fn cpu_fwd(&self, base: &CpuStorage, own: &Layout, x: &CpuStorage, other: &Layout) -> Result<(CpuStorage, Shape)> {
        let width = own.shape().dims2()?.1;
        let sums = match (base, x) {
            (CpuStorage::F32(base), CpuStorage::F32(x)) => {
                CpuStorage::F32(self.sums(part(base, own)?, part(x, other)?, width))
            }
            (CpuStorage::F64(base), CpuStorage::F64(x)) => {
                CpuStorage::F64(self.sums(part(base, own)?, part(x, other)?, width))
            }
            _ => candle_core::bail!("add_rows: numbers of two kinds"),
        };
        Ok((sums, own.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        base: &candle_core::CudaStorage,
        own: &Layout,
        x: &candle_core::CudaStorage,
        other: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        Ok((cuda::sums(self, (base, own), (x, other))?, own.shape().clone()))
    }
}

/// Compiled for every build with CUDA, and the kernel to PTX in a test; never run on a GPU so far.
#[cfg(feature = "cuda")]
mod cuda {
    use std::sync::OnceLock;

    use candle_core::backend::BackendStorage;
    use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, LaunchConfig, PushKernelArg};
    use candle_core::cuda_backend::cudarc::nvrtc::compile_ptx;
    use candle_core::cuda_backend::{CudaDevice, WrapErr};
    use candle_core::{CudaStorage, Layout, Result};

    use super::ByTarget;

    const SOURCE: &str = include_str!("add_rows.cu");

    pub(super) fn sums(
        by: &ByTarget,
        base: (&CudaStorage, &Layout),
        x: (&CudaStorage, &Layout),
    ) -> Result<CudaStorage> {
        let device = base.0.device().clone();
        let width = base.1.shape().dims2()?.1;
        let (base, x) = (view(base)?, view(x)?);
        // SAFETY: all of it is written by the copy.
        #[allow(unsafe_code, reason = "memory of the device that the next line fills")]
        let mut out = unsafe { device.alloc::<f32>(base.len())? };
        device.memcpy_dtod(&base, &mut out)?;
        let pieces = by.pieces();
        if pieces.targets.len() > by.targets.len() {
            let mut partial = device.alloc_zeros::<f32>(pieces.targets.len() * width)?;
            launch(&device, &pieces, &x, width, &mut partial)?;
            launch(&device, &by.of_pieces(), &partial.slice(..), width, &mut out)?;
        } else {
            launch(&device, by, &x, width, &mut out)?;
        }
        Ok(CudaStorage::wrap_cuda_slice(out, device))
    }

    fn view<'a>((storage, layout): (&'a CudaStorage, &Layout)) -> Result<CudaView<'a, f32>> {
        match layout.contiguous_offsets() {
            Some((from, to)) => Ok(storage.as_cuda_slice::<f32>()?.slice(from..to)),
            None => candle_core::bail!("add_rows: not contiguous"),
        }
    }

    fn launch(
        device: &CudaDevice,
        by: &ByTarget,
        x: &CudaView<f32>,
        width: usize,
        out: &mut CudaSlice<f32>,
    ) -> Result<()> {
        if by.targets.is_empty() || width == 0 {
            return Ok(());
        }
        let function = device.get_or_load_custom_func("add_rows", "specrec_add_rows", ptx()?)?;
        let [rows, offsets, targets] = [&by.rows, &by.offsets, &by.targets].map(|list| device.clone_htod(list));
        let (rows, offsets, targets, width) = (rows?, offsets?, targets?, width as u32);
        let mut call = function.builder();
        call.arg(x).arg(&rows).arg(&offsets).arg(&targets).arg(&width).arg(out);
        let grid_dim = (by.targets.len() as u32, 1, 1);
        let config = LaunchConfig { grid_dim, block_dim: (32, 8, 1), shared_mem_bytes: 0 };
        // SAFETY: the arguments are those of the kernel; rows and targets lie within `x` and `out`, which `add_rows` checks.
        #[allow(unsafe_code, reason = "a kernel's arguments are not checked against its declaration")]
        unsafe {
            call.launch(config).w()?;
        }
        Ok(())
    }

    /// The kernel for the GPU's driver, compiled once a process.
    fn ptx() -> Result<&'static str> {
        static PTX: OnceLock<std::result::Result<String, String>> = OnceLock::new();
        let compiled = PTX.get_or_init(|| match compile_ptx(SOURCE) {
            Ok(ptx) => Ok(ptx.to_src()),
            Err(error) => Err(format!("add_rows.cu does not compile: {error}")),
        });
        compiled.as_deref().map_err(|error| candle_core::Error::Msg(error.clone()))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_kernel_compiles() {
            assert!(ptx().unwrap().contains(".entry add_rows"));
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn rows_are_added_in_order_to_their_destinations() {
        let by = ByTarget::of(&[4, 1, 4, 0, 1, 4]);
        let expected = ByTarget { targets: vec![0, 1, 4], offsets: vec![0, 1, 3, 6], rows: vec![3, 1, 4, 0, 2, 5] };
        assert_eq!(by, expected);
        let x: Vec<f32> = (0..12).map(|i| (i as f32).sin() * 1e3).collect();
        let x = Tensor::from_vec(x, (6, 2), &Device::Cpu).unwrap();
        let base = Tensor::full(0.1f32, (5, 2), &Device::Cpu).unwrap();
        let places = [4u32, 1, 4, 0, 1, 4];
        let found: Vec<f32> = add_rows(&base, &places, &x).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let places = Tensor::new(&places, &Device::Cpu).unwrap();
        let base = base.contiguous().unwrap();
        let candle: Vec<f32> = base.index_add(&places, &x, 0).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(found, candle, "the same order, so the same bits");
    }

    #[test]
    fn a_destination_with_many_rows_is_summed_in_pieces() {
        let places: Vec<u32> = (0..3000).map(|row| if row < 2500 { 7 } else { row % 5 }).collect();
        let by = ByTarget::of(&places);
        let x: Vec<f64> = (0..3000).map(f64::from).collect();
        let pieces = by.pieces();
        let partial = pieces.sums(&vec![0.0; pieces.targets.len()], &x, 1);
        assert_eq!(by.of_pieces().sums(&[1.0; 8], &partial, 1), by.sums(&[1.0; 8], &x, 1));
    }

    #[test]
    fn places_beyond_the_matrix_are_refused() {
        let x = Tensor::zeros((1, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let base = Tensor::zeros((3, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(add_rows(&base, &[3], &x).is_err());
        assert!(add_rows(&base, &[0, 1], &x).is_err());
    }
}
