//! A `Vec` becomes a Candle tensor and comes back as the same memory: how a node without a host kernel is computed
//! without a copy.

use std::sync::Mutex;

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Storage, Tensor};

use super::super::feed::Column;

/// Lends a column to Candle as a matrix.
pub(super) fn lend(column: Column, width: usize) -> candle_core::Result<Tensor> {
    let width = width.max(1);
    match column {
        Column::F32(values) => {
            let shape = (values.len() / width, width);
            Tensor::from_vec(values, shape, &Device::Cpu)
        }
        Column::U32(values) => {
            let shape = (values.len() / width, width);
            Tensor::from_vec(values, shape, &Device::Cpu)
        }
    }
}

/// Where a tensor's memory stands: the same for a tensor and its views.
pub(super) fn address(tensor: &Tensor) -> usize {
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => values.as_ptr().addr(),
        Storage::Cpu(CpuStorage::U32(values)) => values.as_ptr().addr(),
        _ => 0,
    }
}

/// Takes the memory of a tensor; copies only where the tensor is a part or a view of a larger one.
pub(super) fn take_back(tensor: &Tensor) -> candle_core::Result<Column> {
    let take = Take { wanted: tensor.elem_count(), taken: Mutex::new(None) };
    if tensor.is_contiguous() {
        tensor.inplace_op1(&take)?;
    }
    let taken = take.taken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match taken {
        Some(column) => Ok(column),
        None => super::super::prologue::column(tensor),
    }
}

struct Take {
    wanted: usize,
    taken: Mutex<Option<Column>>,
}

impl InplaceOp1 for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        if layout.start_offset() != 0 {
            return Ok(());
        }
        let column = match storage {
            CpuStorage::F32(values) if values.len() == self.wanted => Column::F32(std::mem::take(values)),
            CpuStorage::U32(values) if values.len() == self.wanted => Column::U32(std::mem::take(values)),
            _ => return Ok(()),
        };
        *self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(column);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_memory_comes_back() {
        let values = vec![1.0f32, 2.0, 3.0, 4.0];
        let pointer = values.as_ptr();
        let tensor = lend(Column::F32(values), 2).unwrap();
        assert_eq!(tensor.dims(), [2, 2]);
        let Column::F32(back) = take_back(&tensor).unwrap() else { panic!("floats were lent") };
        assert_eq!((back.as_ptr(), back.len()), (pointer, 4));
    }

    #[test]
    fn a_view_is_copied() {
        let tensor = lend(Column::F32(vec![1.0, 2.0, 3.0, 4.0]), 2).unwrap();
        let row = tensor.narrow(0, 1, 1).unwrap();
        assert_eq!(take_back(&row).unwrap(), Column::F32(vec![3.0, 4.0]));
        assert_eq!(address(&tensor.reshape((4, 1)).unwrap()), address(&tensor));
        assert_eq!(take_back(&tensor).unwrap(), Column::F32(vec![1.0, 2.0, 3.0, 4.0]));
    }
}
