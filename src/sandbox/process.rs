//! The background process: where it is written down, whether it is still ours and alive, its start and its end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::sleep;

use super::control;
use super::error::{SandboxError, file, tail};

/// A cold start reads some thousand files; the machine may be busy with a build.
const START_PATIENCE: Duration = Duration::from_secs(90);
/// Tasks and databases get their time to end.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const GAP: Duration = Duration::from_millis(25);
const SHOWN: usize = 15;

/// What is written down about a started server. `instance` is a random word that its health answer repeats, so neither a reused process id
/// nor a reused port can be taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub port: u16,
    pub instance: String,
    /// The layer it was started from.
    pub layer: String,
}

/// What the server says of itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Health {
    pub instance: String,
    pub pid: u32,
    pub uptime_seconds: f64,
    pub clock_factor: f64,
}

/// One server: the module of the carried Python that it is, and its folder with what is written down and its log.
#[derive(Clone, Debug)]
pub struct Place {
    pub module: &'static str,
    pub folder: PathBuf,
}

impl Place {
    fn record(&self) -> PathBuf {
        self.folder.join("server.json")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The server that is written down and answers as itself. A stale record is no server, and is left for the next start to replace.
    pub async fn alive(&self) -> Option<(Running, Health)> {
        let text = fs::read_to_string(self.record()).ok()?;
        let running: Running = serde_json::from_str(&text).ok()?;
        if !exists(running.pid) {
            return None;
        }
        let answer = control::ask(running.port, "GET", "health").await.ok()?;
        let health: Health = serde_json::from_value(answer).ok()?;
        (health.instance == running.instance && health.pid == running.pid)
            .then_some((running, health))
    }

    /// Start a server and wait until it answers.
    ///
    /// # Errors
    /// [`SandboxError::Start`] with the end of its log.
    pub async fn start(
        &self,
        python: &Path,
        layer: &Path,
        arguments: &[OsString],
    ) -> Result<Running, SandboxError> {
        let log_path = self.log();
        let log = File::create(&log_path).map_err(file("cannot write", &log_path))?;
        let errors = log.try_clone().map_err(file("cannot write", &log_path))?;
        let port_file = self.folder.join("port");
        let _ = fs::remove_file(&port_file);
        let instance = format!("{:032x}", rand::random::<u128>());
        let mut child = Command::new(python)
            .args(["-m", self.module, "--detach", "--instance", &instance])
            .args(arguments)
            .arg("--port-file")
            .arg(&port_file)
            .env("PYTHONPATH", layer)
            .env_remove("PYTHONHOME")
            .env("PYTHONUNBUFFERED", "1")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|e| self.start_failed(&e.to_string()))?;
        let pid = child.id().unwrap_or_default();
        let patience = Instant::now() + START_PATIENCE;
        while Instant::now() < patience {
            if let Ok(text) = fs::read_to_string(&port_file)
                && let Ok(port) = text.trim().parse()
            {
                let layer = layer
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                return self
                    .written_down(pid, port, instance, layer.unwrap_or_default())
                    .await;
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(self.start_failed(&format!("it ended: {status}")));
            }
            sleep(GAP).await;
        }
        let _ = child.start_kill();
        Err(self.start_failed("it did not answer in time"))
    }

    async fn written_down(
        &self,
        pid: u32,
        port: u16,
        instance: String,
        layer: String,
    ) -> Result<Running, SandboxError> {
        let running = Running {
            pid,
            port,
            instance,
            layer,
        };
        let path = self.record();
        let partial = self
            .folder
            .join(format!("server.json.{}", std::process::id()));
        let text =
            serde_json::to_string(&running).map_err(|e| self.start_failed(&e.to_string()))?;
        fs::write(&partial, text).map_err(file("cannot write", &partial))?;
        fs::rename(&partial, &path).map_err(file("cannot write", &path))?;
        match self.alive().await {
            Some((running, _)) => Ok(running),
            None => Err(self.start_failed("it does not answer")),
        }
    }

    fn start_failed(&self, what: &str) -> SandboxError {
        let said = fs::read_to_string(self.log()).unwrap_or_default();
        SandboxError::Start {
            log: self.log(),
            tail: tail(&format!("{said}\n{what}"), SHOWN),
        }
    }

    /// End the server that is written down, if it is alive; false when there is none.
    ///
    /// # Errors
    /// [`SandboxError::StillRunning`].
    pub async fn stop(&self) -> Result<bool, SandboxError> {
        let Some((running, _)) = self.alive().await else {
            let _ = fs::remove_file(self.record());
            return Ok(false);
        };
        // Asked first, and by its own address: nobody else can be hit. It answers before it goes, but need not.
        let _ = control::ask(running.port, "POST", "stop").await;
        if !gone(running.pid, STOP_PATIENCE).await {
            // It proved to be ours a moment ago and has not gone since, so its id is still its own.
            signal(running.pid, Signal::KILL);
            if !gone(running.pid, STOP_PATIENCE).await {
                return Err(SandboxError::StillRunning { pid: running.pid });
            }
        }
        let _ = fs::remove_file(self.record());
        Ok(true)
    }
}

async fn gone(pid: u32, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while exists(pid) {
        if Instant::now() >= until {
            return false;
        }
        sleep(GAP).await;
    }
    true
}

fn process(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Whether a process has this id. An ended child that nobody has waited for counts as gone.
fn exists(pid: u32) -> bool {
    let Some(process) = process(pid) else {
        return false;
    };
    // Reaps the server when this very process started it; of any other process it is an error, and that is fine.
    if let Ok(Some(_)) =
        rustix::process::waitpid(Some(process), rustix::process::WaitOptions::NOHANG)
    {
        return false;
    }
    !matches!(test_kill_process(process), Err(rustix::io::Errno::SRCH))
}

fn signal(pid: u32, signal: Signal) {
    if let Some(process) = process(pid) {
        let _ = kill_process(process, signal);
    }
}

#[cfg(test)]
mod tests;
