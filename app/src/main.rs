//! `circles-app`: reads the command line, does it, and says why when it cannot.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match circles_app::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
