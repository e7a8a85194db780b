//! The verbs of the local AWS.

use crate::cli::failure::{Failure, FailureKind};
use crate::cli::sandbox::{SandboxStatus, SandboxVerb};
use crate::sandbox::{self, Home, SandboxError};

/// Carries a `sandbox` verb out, and says how the sandbox is then.
pub async fn sandbox(verb: &SandboxVerb) -> Result<SandboxStatus, Failure> {
    let done = match verb {
        SandboxVerb::Start => sandbox::ensure_running(&|_| {}).await.map(drop),
        SandboxVerb::Stop => sandbox::stop().await.map(drop),
        SandboxVerb::Status { .. } | SandboxVerb::Up(_) | SandboxVerb::Down => Ok(()),
        SandboxVerb::Reset => sandbox::reset().await.map(drop),
    };
    done.map_err(local)?;
    Ok(match sandbox::status().await.map_err(local)? {
        sandbox::Status::Stopped => SandboxStatus {
            running: false,
            endpoint: None,
            pid: None,
            log: None,
            system: None,
        },
        sandbox::Status::Running { endpoint, pid, .. } => SandboxStatus {
            running: true,
            endpoint: Some(endpoint),
            pid: Some(pid),
            log: None,
            system: Home::from_env()
                .map_err(local)?
                .system()
                .await
                .map_err(local)?,
        },
    })
}

pub fn local(error: SandboxError) -> Failure {
    Failure::new(FailureKind::Local, error.to_string())
}
