//! A local AWS of its own behind a proxy, a state folder, and the program run against them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;

use crate::local_aws::LocalAws;
use crate::wire::{Proxy, Script};

/// So many at a time, whatever runs side by side: each is a Python process that is busy.
static ROOM: Semaphore = Semaphore::const_new(2);
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct World {
    pub aws: LocalAws,
    pub proxy: Proxy,
    pub state: TempDir,
    folder: TempDir,
    window: AtomicU64,
    _room: SemaphorePermit<'static>,
}

/// How a run of the program ended.
pub struct Ended {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    /// Both streams.
    pub text: String,
    pub script: Arc<Script>,
}

/// The program at work.
pub struct Running {
    child: Child,
    process: Pid,
    said: watch::Sender<String>,
    readers: [JoinHandle<()>; 2],
    pub script: Arc<Script>,
}

impl Running {
    fn new(mut child: Child, script: Arc<Script>) -> Self {
        let process = child
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().expect("a process id")))
            .expect("a running child");
        script.aim(process);
        let said = watch::Sender::new(String::new());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        Self {
            readers: [
                tokio::spawn(listen(out.expect("its output"), said.clone())),
                tokio::spawn(listen(err.expect("its errors"), said.clone())),
            ],
            child,
            process,
            said,
            script,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.process, signal).expect("a signal to a child of ours");
    }

    /// Returns once it has said that.
    pub async fn says(&self, text: &str) {
        let mut said = self.said.subscribe();
        let heard = said.wait_for(|said| said.contains(text));
        let heard = tokio::time::timeout(PATIENCE, heard).await.is_ok();
        assert!(heard, "it never says {text:?}\n{}", *self.said.borrow());
    }

    pub async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status
            .unwrap_or_else(|_| panic!("it does not end\n{}", *self.said.borrow()))
            .expect("its status");
        for reader in self.readers {
            reader.await.expect("what it said");
        }
        Ended {
            code: status.code(),
            text: crate::standing::plain_commands(&self.said.borrow()),
            script: self.script,
        }
    }
}

async fn listen(stream: impl AsyncRead + Unpin, said: watch::Sender<String>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        said.send_modify(|said| {
            said.push_str(&line);
            said.push('\n');
        });
    }
}

impl World {
    pub async fn new() -> Self {
        let room = ROOM.acquire().await.expect("never closed");
        let aws = tokio::task::spawn_blocking(LocalAws::start)
            .await
            .expect("a local AWS");
        let proxy = Proxy::start(aws.address()).await;
        Self {
            aws,
            proxy,
            state: tempfile::tempdir().expect("a temporary folder"),
            folder: tempfile::tempdir().expect("a temporary folder"),
            window: AtomicU64::new(300),
            _room: room,
        }
    }

    /// How long the program gives AWS to show what a call of unknown outcome made; 300 ms otherwise.
    pub fn window(&self, window: Duration) {
        let window = window.as_millis().try_into().expect("a short time");
        self.window.store(window, Ordering::SeqCst);
    }

    /// The real stack file.
    pub fn stack() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/circles.yaml"))
    }

    /// The real stack file with one text in the place of another.
    pub fn changed_stack(&self, from: &str, to: &str) -> PathBuf {
        let text = std::fs::read_to_string(Self::stack()).expect("the stack file");
        assert_eq!(text.matches(from).count(), 1, "{from}");
        self.written_stack(&text.replace(from, to))
    }

    /// A stack file with that text.
    pub fn written_stack(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("stack.yaml");
        std::fs::write(&path, text).expect("a written stack");
        path
    }

    /// Starts the program, or another build of it that `CIRCLES_TEST_PROGRAM` names; what happens to its calls is the script's to say.
    pub fn start(&self, stack: &Path, arguments: &[&str], script: Arc<Script>) -> Running {
        self.proxy.play(&script);
        let window = self.window.load(Ordering::SeqCst);
        let program = std::env::var_os("CIRCLES_TEST_PROGRAM")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_circles-infra").into());
        let child = Command::new(program)
            .arg("--stack")
            .arg(stack)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", script.key())
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", format!("{window}ms"))
            .env("CIRCLES_STATE_DIR", self.state.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program runs");
        Running::new(child, script)
    }

    pub async fn run(&self, stack: &Path, arguments: &[&str], script: Arc<Script>) -> Ended {
        self.start(stack, arguments, script).end().await
    }

    /// Runs undisturbed and expects an exit code.
    pub async fn expect(
        &self,
        stack: &Path,
        arguments: &[&str],
        code: i32,
        when: &str,
    ) -> Result<Ended, String> {
        let ended = self.run(stack, arguments, Script::pass()).await;
        ended.expect(code, &format!("{when}, {}", arguments.join(" ")))
    }

    /// A new account, and no state.
    pub async fn empty(&self) {
        self.control("POST", "reset", &Json::Null).await;
        self.clock(0.0).await;
        for entry in std::fs::read_dir(self.state.path()).expect("the state folder") {
            std::fs::remove_dir_all(entry.expect("an entry").path()).expect("an emptied folder");
        }
    }

    /// How fast AWS's waits pass: 1 as AWS, 0 at once.
    pub async fn clock(&self, factor: f64) {
        self.control("POST", "clock", &json!({ "factor": factor }))
            .await;
    }

    pub async fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        self.aws.control(method, path, body).await
    }

    /// All that exists, ids replaced by labels. How far a service's roll-out has got is the clock's doing, and is left out.
    pub async fn inventory(&self) -> Json {
        let mut all = self.control("GET", "inventory", &Json::Null).await;
        let regions = all["regions"].as_object_mut().into_iter().flatten();
        for service in regions
            .flat_map(|(_, region)| region["ecs_services"].as_array_mut().into_iter().flatten())
        {
            if let Some(service) = service.as_object_mut() {
                service.remove("deployments");
            }
        }
        all
    }

    /// The resources in the written state.
    pub fn recorded(&self) -> Vec<String> {
        let mut all = Vec::new();
        for folder in std::fs::read_dir(self.state.path()).expect("the state folder") {
            let path = folder.expect("an entry").path().join("state.json");
            let Ok(text) = std::fs::read_to_string(path) else {
                continue;
            };
            let state: Json = serde_json::from_str(&text).expect("a state");
            let resources = state["resources"].as_object().expect("resources");
            all.extend(resources.keys().cloned());
        }
        all
    }
}

impl Ended {
    /// Itself, if it ended so; else what it said.
    pub fn expect(self, code: i32, when: &str) -> Result<Self, String> {
        if self.code == Some(code) {
            return Ok(self);
        }
        let got = self
            .code
            .map_or("a signal".to_owned(), |code| code.to_string());
        Err(format!(
            "{when}: exit {got} instead of {code}\n{}",
            self.text
        ))
    }

    pub fn killed(&self) -> bool {
        self.code.is_none()
    }
}

/// What is different between two inventories, entry by entry.
pub fn same(is: &Json, should: &Json, when: &str) -> Result<(), String> {
    if is == should {
        return Ok(());
    }
    let (is, should) = (lines(is), lines(should));
    let more: Vec<_> = is.iter().filter(|line| !should.contains(line)).collect();
    let less: Vec<_> = should.iter().filter(|line| !is.contains(line)).collect();
    Err(format!(
        "{when}: the inventory differs\ntoo much: {more:#?}\nmissing: {less:#?}"
    ))
}

/// One line an entry: place, kind, entry.
fn lines(inventory: &Json) -> Vec<String> {
    let mut all = Vec::new();
    let places = inventory["regions"].as_object().into_iter().flatten();
    let global = inventory["global"].as_object();
    let named = places.map(|(name, place)| (name.as_str(), place.as_object()));
    for (name, place) in named.chain([("global", global)]) {
        for (kind, entries) in place.into_iter().flatten() {
            let entries = entries.as_array().into_iter().flatten();
            all.extend(entries.map(|entry| format!("{name} {kind} {entry}")));
        }
    }
    all
}
