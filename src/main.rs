//! The `specrec` binary.

/// Training allocates and frees a few large buffers per batch; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    specrec::cli::main()
}
