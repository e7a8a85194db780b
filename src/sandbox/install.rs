//! The virtual environment with the sandbox's packages: made once, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::error::{SandboxError, file, tail};
use super::{layer, python};

/// Ends a folder name of an environment that is still being made.
const PARTIAL: &str = ".partial";
/// How much of pip's output an error shows.
const SHOWN: usize = 12;

/// The Python of the finished environment below `root`, if there is one.
pub fn installed(root: &Path) -> Option<PathBuf> {
    let python = interpreter(&root.join(layer::packages_name()));
    python.is_file().then_some(python)
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// Make the environment below `root` and return its Python. Call under the lock: what an interrupted one left is cleared away.
///
/// # Errors
/// About Python, the packages, or the folder.
pub async fn install(root: &Path) -> Result<PathBuf, SandboxError> {
    let python = python::choose().await?;
    let environment = root.join(layer::packages_name());
    let partial = root.join(format!("{}{PARTIAL}", layer::packages_name()));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(file("cannot clear", &partial))?;
    }
    let requirements = root.join("requirements.txt");
    fs::write(&requirements, layer::REQUIREMENTS).map_err(file("cannot write", &requirements))?;
    run(Command::new(python).args(["-m", "venv"]).arg(&partial)).await?;
    run(Command::new(interpreter(&partial))
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ])
        .arg("--requirement")
        .arg(&requirements))
    .await?;
    // A virtual environment may be moved as long as it is used by `bin/python`, whose own folder tells it where it is.
    fs::rename(&partial, &environment).map_err(file("cannot make", &environment))?;
    Ok(interpreter(&environment))
}

async fn run(command: &mut Command) -> Result<(), SandboxError> {
    let failed = |text: String| SandboxError::Install { tail: text };
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    Err(failed(tail(&said.join("\n"), SHOWN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_finished_environment_counts() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(installed(root.path()), None);
        let partial = root
            .path()
            .join(format!("{}{PARTIAL}/bin", layer::packages_name()));
        fs::create_dir_all(&partial).unwrap();
        fs::write(partial.join("python"), "").unwrap();
        assert_eq!(installed(root.path()), None);
        fs::rename(
            partial.parent().unwrap(),
            root.path().join(layer::packages_name()),
        )
        .unwrap();
        assert!(installed(root.path()).is_some());
    }

    #[tokio::test]
    async fn a_failure_shows_the_last_lines() {
        let script = "for n in $(seq 40); do echo line $n; done; echo no such package >&2; exit 1";
        let error = run(Command::new("sh").args(["-c", script]))
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("no such package") && text.contains("line 40"),
            "{text}"
        );
        assert!(!text.contains("line 10\n"), "{text}");
    }
}
