//! The `foundry-api` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    foundry_api::cli::main()
}
