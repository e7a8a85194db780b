//! The whole system on this machine: a second background process beside the sandbox, which runs what the sandbox's API says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::super::error::{SandboxError, file};
use super::super::process::Place;
use super::super::{Progress, control, layer};
use super::{Home, lock};

/// What runs, as the system's process says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The port of the sandbox whose API it follows.
    #[serde(skip_serializing)]
    pub sandbox: u16,
    /// The program that runs where the image repository is empty.
    pub host_build: Option<PathBuf>,
    pub services: Vec<ShownService>,
    /// Load balancers, and where they answer: `127.0.0.1:PORT`.
    pub balancers: BTreeMap<String, String>,
    pub tasks: Vec<ShownTask>,
    pub databases: Vec<ShownDatabase>,
}

/// One service, in ECS's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownService {
    pub name: String,
    /// `family:revision`.
    pub revision: String,
    pub desired: u32,
    pub running: u32,
    pub healthy: u32,
    /// Tasks of the newest deployment that have failed.
    pub failed: u32,
    pub steady: bool,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: String,
    /// Its last event.
    pub said: String,
}

/// One task, and its processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownTask {
    pub id: String,
    pub service: String,
    pub pids: Vec<u32>,
    /// Whether it is the host's own build instead of an image.
    pub host_build: bool,
}

/// One PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownDatabase {
    pub name: String,
    pub port: u16,
    pub ready: bool,
    pub problem: Option<String>,
}

/// What `down` has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Down {
    /// The system ran.
    pub system: bool,
    /// Processes that an earlier one, which had been killed, had left behind.
    pub left: usize,
    /// The sandbox, because `up` had started it.
    pub sandbox: bool,
}

impl Home {
    fn system_place(&self) -> Place {
        Place {
            module: "system",
            folder: self.place.folder.join("system"),
        }
    }

    /// Names the sandbox that `up` has started, by its random word.
    fn owned(&self) -> PathBuf {
        self.place.folder.join("system/started")
    }

    /// Starts the sandbox and the system's process, unless they run. `host_binary` runs where the image repository is empty.
    ///
    /// # Errors
    /// [`SandboxError::NoDatabase`] with what to install, before anything but the sandbox is started; else see [`SandboxError`].
    pub async fn start_system(
        &self,
        host_binary: Option<&Path>,
        say: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), SandboxError> {
        let place = self.system_place();
        let sandbox = self.ensure_running(say).await?;
        let _system = lock(&place.folder, say).await?;
        let Some((server, _)) = self.place.alive().await else {
            return Err(SandboxError::Control {
                path: "health".into(),
                what: "it has just ended".into(),
            });
        };
        if sandbox.started {
            let owned = self.owned();
            fs::write(&owned, &server.instance).map_err(file("cannot write", &owned))?;
        }
        if let Some((running, _)) = place.alive().await {
            let same = self.ask_system(running.port).await.is_ok_and(|shown| {
                shown.sandbox == server.port && shown.host_build.as_deref() == host_binary
            });
            if same && running.layer == layer::layer_name() {
                return Ok(());
            }
            place.stop().await?;
        }
        say(Progress::Starting);
        let python = self.interpreter(say).await?;
        let layer = layer::write(&self.cache)?;
        check(&python, &layer, &place.folder).await?;
        let mut arguments: Vec<OsString> = vec!["--folder".into(), place.folder.clone().into()];
        arguments.extend(["--sandbox-port".into(), server.port.to_string().into()]);
        if let Some(binary) = host_binary {
            arguments.extend(["--host-binary".into(), binary.into()]);
        }
        place.start(&python, &layer, &arguments).await.map(drop)
    }

    /// What runs; `None` when the system does not.
    ///
    /// # Errors
    /// [`SandboxError::Control`] when it runs and does not say.
    pub async fn system(&self) -> Result<Option<Shown>, SandboxError> {
        match self.system_place().alive().await {
            None => Ok(None),
            Some((running, _)) => self.ask_system(running.port).await.map(Some),
        }
    }

    async fn ask_system(&self, port: u16) -> Result<Shown, SandboxError> {
        let answer = control::ask(port, "GET", "system").await?;
        serde_json::from_value(answer).map_err(|e| SandboxError::Control {
            path: "system".into(),
            what: e.to_string(),
        })
    }

    /// Ends the system, what a killed one left behind, and the sandbox if `start_system` has started it. Nothing else.
    ///
    /// # Errors
    /// [`SandboxError::StillRunning`].
    pub async fn down(&self) -> Result<Down, SandboxError> {
        let alive = self.place.alive().await;
        let owned = fs::read_to_string(self.owned()).ok();
        let owns = alive
            .as_ref()
            .is_some_and(|(running, _)| owned.as_ref() == Some(&running.instance));
        // Databases and images are of use as long as the sandbox knows of them.
        let mut down = self.end_system(owns || alive.is_none()).await?;
        if owns {
            down.sandbox = self.stop().await?;
        }
        if owns || alive.is_none() {
            let _ = fs::remove_file(self.owned());
        }
        Ok(down)
    }

    /// Ends the system and what a killed one left; with `forget`, its databases and images too.
    pub(super) async fn end_system(&self, forget: bool) -> Result<Down, SandboxError> {
        let place = self.system_place();
        if !place.folder.is_dir() {
            return Ok(Down::default());
        }
        let _system = lock(&place.folder, &|_| {}).await?;
        let system = place.stop().await?;
        let python = self.interpreter(&|_| {}).await?;
        let layer = layer::write(&self.cache)?;
        let mut arguments = vec!["--clean"];
        if forget {
            arguments.push("--forget");
        }
        let output = run(&python, &layer, &place.folder, &arguments).await?;
        let left = serde_json::from_slice::<Cleaned>(&output.stdout)
            .map_or(0, |cleaned| cleaned.ended.len());
        Ok(Down {
            system,
            left,
            sandbox: false,
        })
    }
}

#[derive(Deserialize)]
struct Cleaned {
    ended: Vec<u32>,
}

/// Whether this machine has what stands in for RDS.
async fn check(python: &Path, layer: &Path, folder: &Path) -> Result<(), SandboxError> {
    let output = run(python, layer, folder, &["--check"]).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(SandboxError::NoDatabase {
        what: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

async fn run(
    python: &Path,
    layer: &Path,
    folder: &Path,
    arguments: &[&str],
) -> Result<std::process::Output, SandboxError> {
    Command::new(python)
        .args(["-m", "system", "--folder"])
        .arg(folder)
        .args(arguments)
        .env("PYTHONPATH", layer)
        .env_remove("PYTHONHOME")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(file("cannot run", python))
}
