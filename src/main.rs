//! The `specrec` binary.

fn main() {}
