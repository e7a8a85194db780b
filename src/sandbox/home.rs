//! Where the sandbox lives, and the four things that can be asked of it, each under one lock between all commands of a user.

mod system;

pub use system::{Down, Shown, ShownDatabase, ShownService, ShownTask};

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::error::{SandboxError, file};
use super::process::Place;
use super::{ACCOUNT, Progress, Sandbox, Status, control, install, layer};

/// AWS takes minutes where this takes seconds: a NAT gateway 1, a database 4.
const CLOCK_FACTOR: f64 = 0.01;

/// The folders of a user's sandbox.
#[derive(Clone, Debug)]
pub struct Home {
    /// The packages and the layer: shared by all sandboxes of a user.
    cache: PathBuf,
    /// The running server.
    place: Place,
    /// A Python that has the packages already.
    python: Option<PathBuf>,
    /// Scale of AWS's waits for a server that is started.
    clock_factor: f64,
}

impl Home {
    /// From the environment: `CIRCLES_SANDBOX_DIR` (folder of the server; default below the cache), `XDG_CACHE_HOME` or `HOME`
    /// (cache), `CIRCLES_SANDBOX_PYTHON` (a Python that has the packages), `CIRCLES_SANDBOX_CLOCK` (scale of AWS's waits, default 0.01).
    ///
    /// # Errors
    /// [`SandboxError::NoHome`].
    pub fn from_env() -> Result<Self, SandboxError> {
        Self::from_values(|name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        })
    }

    fn from_values(value: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, SandboxError> {
        let server = value("CIRCLES_SANDBOX_DIR");
        let cache = value("XDG_CACHE_HOME")
            .or_else(|| value("HOME").map(|home| home.join(".cache")))
            .map(|cache| cache.join("circles-infra/sandbox"))
            .or_else(|| server.clone())
            .ok_or(SandboxError::NoHome)?;
        let clock =
            value("CIRCLES_SANDBOX_CLOCK").and_then(|text| text.to_str()?.parse::<f64>().ok());
        Ok(Self {
            place: Place {
                module: "realism",
                folder: server.unwrap_or_else(|| cache.join("server")),
            },
            cache,
            python: value("CIRCLES_SANDBOX_PYTHON"),
            clock_factor: clock
                .filter(|factor| *factor >= 0.0)
                .unwrap_or(CLOCK_FACTOR),
        })
    }

    /// The running sandbox, started if there is none. `say` hears what takes time.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn ensure_running(
        &self,
        say: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Sandbox, SandboxError> {
        // Without the lock first: the common case, and it writes nothing.
        if let Some((running, _)) = self.place.alive().await {
            return Ok(sandbox(running.port, false));
        }
        let _server = lock(&self.place.folder, say).await?;
        if let Some((running, _)) = self.place.alive().await {
            return Ok(sandbox(running.port, false));
        }
        let python = self.interpreter(say).await?;
        let layer = layer::write(&self.cache)?;
        say(Progress::Starting);
        let clock = self.clock_factor.to_string();
        let mut arguments: Vec<OsString> = ["--host", "127.0.0.1", "--port", "0", "--clock-factor"]
            .map(OsString::from)
            .into();
        arguments.extend([clock.into(), "--registry".into()]);
        arguments.push(self.place.folder.join("registry").into());
        let running = self.place.start(&python, &layer, &arguments).await?;
        Ok(sandbox(running.port, true))
    }

    async fn interpreter(
        &self,
        say: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<PathBuf, SandboxError> {
        if let Some(python) = &self.python {
            return Ok(python.clone());
        }
        if let Some(python) = install::installed(&self.cache) {
            return Ok(python);
        }
        // The packages have a lock of their own: servers in several folders share them.
        let _packages = lock(&self.cache, say).await?;
        if let Some(python) = install::installed(&self.cache) {
            return Ok(python);
        }
        say(Progress::Installing);
        install::install(&self.cache).await
    }

    /// End the server. False when there was none.
    ///
    /// # Errors
    /// [`SandboxError::StillRunning`].
    pub async fn stop(&self) -> Result<bool, SandboxError> {
        if !self.place.folder.is_dir() {
            return Ok(false);
        }
        // What runs in the sandbox has no world without it.
        self.end_system(true).await?;
        let _server = lock(&self.place.folder, &|_| {}).await?;
        self.place.stop().await
    }

    /// What there is.
    ///
    /// # Errors
    /// None at present.
    pub async fn status(&self) -> Result<Status, SandboxError> {
        Ok(match self.place.alive().await {
            None => Status::Stopped,
            Some((running, health)) => Status::Running {
                endpoint: endpoint(running.port),
                pid: running.pid,
                uptime_seconds: health.uptime_seconds,
                clock_factor: health.clock_factor,
                current: running.layer == layer::layer_name(),
            },
        })
    }

    /// Empty the world of the running server. False when there is none.
    ///
    /// # Errors
    /// [`SandboxError::Control`].
    pub async fn reset(&self) -> Result<bool, SandboxError> {
        match self.place.alive().await {
            None => Ok(false),
            Some((running, _)) => control::ask(running.port, "POST", "reset")
                .await
                .map(|_| true),
        }
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn sandbox(port: u16, started: bool) -> Sandbox {
    Sandbox {
        endpoint: endpoint(port),
        account: ACCOUNT,
        started,
    }
}

/// The lock of a folder, made if it is not there. The operating system lets go of it when its holder ends, however it ends.
async fn lock(folder: &Path, say: &(dyn Fn(Progress) + Send + Sync)) -> Result<File, SandboxError> {
    fs::create_dir_all(folder).map_err(file("cannot make", folder))?;
    let path = folder.join("lock");
    let handle = File::create(&path).map_err(file("cannot write", &path))?;
    match handle.try_lock() {
        Ok(()) => return Ok(handle),
        Err(TryLockError::WouldBlock) => say(Progress::Waiting),
        Err(TryLockError::Error(e)) => return Err(file("cannot lock", &path)(e)),
    }
    let waited = path.clone();
    tokio::task::spawn_blocking(move || handle.lock().map(|()| handle))
        .await
        .map_err(|e| file("cannot lock", &path)(std::io::Error::other(e)))?
        .map_err(file("cannot lock", &waited))
}

#[cfg(test)]
mod tests;
