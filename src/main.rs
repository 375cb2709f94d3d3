//! The `labnet` program; everything it does is in [`labnet::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    labnet::cli::main()
}
