//! What the bits of a run depend on: equal fingerprints give equal runs, at any number of threads.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::syntax::print::print;
use crate::syntax::spec::Spec;

/// The parts of a fingerprint, in the order in which differences are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Version of specrec, and a hash of the program that it is part of.
    pub program: String,
    /// Hash of the resolved spec.
    pub spec: String,
    /// Hash of what reading the data found, of the samples' files and of values of other runs.
    pub data: String,
    /// Seed of the run.
    pub seed: u64,
    /// `cpu` or `cuda`, and whether block loops are used.
    pub device: String,
    /// Model of the CPU: caches decide how large products are cut.
    pub cpu: String,
    /// Vector instructions that the kernels choose from.
    pub instructions: Vec<String>,
}

/// Instruction sets that kernels of ours or of the `gemm` crate choose from.
#[cfg(target_arch = "x86_64")]
fn instructions() -> Vec<String> {
    let found = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    found.iter().filter(|(_, has)| *has).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> Vec<String> {
    vec![std::env::consts::ARCH.to_owned()]
}

impl Fingerprint {
    /// The fingerprint of a run of this process.
    pub(super) fn of(spec: &Spec, data: u64, device: &str) -> Self {
        Self {
            program: program(),
            spec: hash(print(spec).as_bytes()),
            data: format!("{data:016x}"),
            seed: spec.train.seed,
            device: device.to_owned(),
            cpu: cpu(),
            instructions: instructions(),
        }
    }

    /// What differs, as `cpu: A is now B`.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let fields = |of: &Self| match serde_json::to_value(of) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let now = fields(now);
        let changed = fields(self).into_iter().filter_map(|(name, was)| {
            let is = now.get(&name).filter(|is| **is != was)?;
            Some(format!("{name}: {was} is now {is}"))
        });
        changed.collect()
    }
}

/// Sixteen hexadecimal digits of a content.
pub(super) fn hash(content: &[u8]) -> String {
    format!("{:016x}", xxh3_64(content))
}

fn program() -> String {
    let content = std::env::current_exe().and_then(std::fs::read);
    let content = content.map_or_else(|_| "unknown".to_owned(), |content| hash(&content));
    format!("specrec {} {content}", env!("CARGO_PKG_VERSION"))
}

fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_by_name() {
        let was = Fingerprint {
            program: "specrec 0.1.0 a".to_owned(),
            spec: "b".to_owned(),
            data: "c".to_owned(),
            seed: 1,
            device: "cpu".to_owned(),
            cpu: "Q".to_owned(),
            instructions: vec!["avx2".to_owned()],
        };
        assert!(was.differences(&was.clone()).is_empty());
        let now = Fingerprint { seed: 2, instructions: Vec::new(), ..was.clone() };
        assert_eq!(was.differences(&now), ["seed: 1 is now 2", "instructions: [\"avx2\"] is now []"]);
    }
}
