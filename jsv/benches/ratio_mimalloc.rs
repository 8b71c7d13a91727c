//! The comparison of `ratio.rs` with another allocator under all contestants. To read into owned texts is above all to
//! allocate them, which costs every library the same, so how they compare depends on what an allocation costs. This one
//! is what `foundry-api` runs with.
//!
//! `cargo bench -p jsv --bench ratio_mimalloc`, with the arguments of `ratio`.

#[path = "ratio.rs"]
mod ratio;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    ratio::main();
}
