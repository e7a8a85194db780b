//! The program `circles-infra`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    circles_infra::cli::main(std::env::args_os().collect())
}
