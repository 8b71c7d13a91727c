//! The `foundry-api` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes and drops some dozens of small values, and a good part of them on another thread than
/// the one that made them; the allocator of the C library spends a tenth of the time of a request on that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    foundry_api::cli::main()
}
