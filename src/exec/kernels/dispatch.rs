//! Chooses the instruction set of a kernel call.

use pulp::{Arch, WithSimd};

/// Runs `kernel` with the widest vectors that this CPU has. Costs a relaxed load and a jump: `pulp` keeps what it detected.
#[inline(always)]
pub(super) fn run<K: WithSimd>(kernel: K) -> K::Output {
    arch().dispatch(kernel)
}

#[cfg(not(test))]
#[inline(always)]
fn arch() -> Arch {
    Arch::new()
}

#[cfg(test)]
fn arch() -> Arch {
    test::FORCED.get().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod test {
    use pulp::Arch;
    use std::cell::Cell;

    thread_local! {
        pub(super) static FORCED: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    /// Calls `check` once for each instruction set of this machine: plain, AVX2, AVX-512.
    pub(in super::super) fn on_every_arch(check: impl Fn()) {
        let mut all = vec![Arch::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Arch::V3));
            all.extend(pulp::x86::V4::try_new().map(Arch::V4));
        }
        for arch in all {
            FORCED.set(Some(arch));
            check();
            FORCED.set(None);
        }
    }
}
