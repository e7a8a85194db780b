//! The Ctrl-C ladder, pulled by SIGINT and SIGTERM alike: once, twice, and the third time the process leaves.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Exit;
use crate::engine::{Stop, StopHandle};

/// Listens from now on.
pub fn ladder() -> Stop {
    let (handle, stop) = StopHandle::new();
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    for mut signal in signals.into_iter().flatten() {
        let handle = handle.clone();
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                if handle.pull() >= 3 {
                    // The journal is right already; nothing is gained by going on. Nobody may be there to read this.
                    let _ = writeln!(
                        std::io::stderr(),
                        "left with calls in flight: the same command looks for what they made, and goes on from there"
                    );
                    std::process::exit(Exit::INTERRUPTED.0.into());
                }
            }
        });
    }
    stop
}

/// A file that may grow no more (`ulimit -f`) is to be an error with a sentence, not the process's end: whoever listens for SIGXFSZ
/// gets the error from the write.
pub fn full_files_are_errors() {
    /// The same number on Linux and macOS.
    const SIGXFSZ: i32 = 25;
    // Where it cannot be listened for, the process ends at such a file as it would have; the journal is right all the same.
    let _ = signal(SignalKind::from_raw(SIGXFSZ));
}
