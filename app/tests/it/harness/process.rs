//! The program itself, as a container runs it: settings by environment, signals, exit codes.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::client::Client;
use super::server::variables;

/// Longer than a start or a stop takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `circles-app serve`; killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

/// `circles-app` with nothing in its environment but the tests' settings and `more`, and no `.env` in its folder.
pub fn command(db_url: &str, more: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circles-app"));
    command
        .env_clear()
        .envs(variables(db_url, more))
        .env("APP_STORAGE_BACKEND", "local")
        .env("APP_LOCAL_FOLDER", std::env::temp_dir())
        .env("RUST_LOG", "error")
        .current_dir("/");
    command
}

impl Process {
    /// Serves on a free port; waits until it is ready.
    pub async fn start(db_url: &str, more: &[(&str, &str)]) -> Process {
        Process::of(command(db_url, more)).await
    }

    /// The same with a command of the caller's.
    pub async fn of(mut command: Command) -> Process {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let child = command
            .arg("serve")
            .env("APP_PORT", address.port().to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut process = Process { child, address };
        process.until_ready().await;
        process
    }

    async fn until_ready(&mut self) {
        let url = format!("http://{}/readyz", self.address);
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the service ended with {status}");
            }
            let answer = reqwest::Client::builder().no_proxy().build();
            let answer = answer.expect("a client").get(&url).send().await;
            if answer.is_ok_and(|a| a.status() == 200) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "not ready in time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// SIGKILL: nothing is said to anybody.
    pub fn kill(&mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("an end");
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        assert!(sent.expect("a signal").success());
    }

    pub async fn end(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "not ended in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
