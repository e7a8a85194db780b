//! A local AWS for the tests: the sandbox's server, one process for all tests of this binary that run at the same time, on a free port,
//! with every wait cut to nothing. It ends with the last test that holds it. [`LocalAws::plain`] is the server without the sandbox's layer.
//!
//! `CIRCLES_TEST_PYTHON` names a Python that has the sandbox's packages (default: `python3`); `CIRCLES_TEST_SANDBOX` the folder that
//! holds the server's package (default: `src/sandbox` of this checkout).

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct LocalAws {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    turn: tokio::sync::Mutex<()>,
}

const PLAIN: &str = "
import json, os, sys, time
from moto.ecr.responses import ECRResponse
from moto.server import ThreadedMotoServer
if registry := os.environ.get('REGISTRY'):
    def token(self):
        token = 'dGVzdDp0ZXN0'
        return json.dumps({'authorizationData': [{'authorizationToken': token, 'proxyEndpoint': registry}]})
    ECRResponse.get_authorization_token = token
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
with open(sys.argv[1] + '.new', 'w') as file:
    file.write(str(server.get_host_and_port()[1]))
os.rename(sys.argv[1] + '.new', sys.argv[1])
while True:
    time.sleep(60)
";

/// A finished call, as the server saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct SeenCall {
    pub service: String,
    pub action: String,
    pub mutating: bool,
}

impl LocalAws {
    /// The one that is running, or a new one.
    pub fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<LocalAws>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(local) = running.upgrade() {
            return local;
        }
        let local = Arc::new(Self::start());
        *running = Arc::downgrade(&local);
        local
    }

    /// One for tests that keep apart by their stacks' names, and never empty it.
    pub fn shared_by_stacks() -> Arc<Self> {
        static RUNNING: Mutex<Weak<LocalAws>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(local) = running.upgrade() {
            return local;
        }
        let local = Arc::new(Self::start());
        *running = Arc::downgrade(&local);
        local
    }

    /// One of its own, for tests that break things.
    pub fn start() -> Self {
        let package = std::env::var_os("CIRCLES_TEST_SANDBOX").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sandbox")),
            PathBuf::from,
        );
        Self::serve(|command| {
            command
                .args(["-m", "realism", "--host", "127.0.0.1", "--port", "0"])
                .args(["--clock-factor", "0", "--port-file"])
                .env("PYTHONPATH", &package)
                .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        })
    }

    /// moto as it comes. [`Self::control`] and what needs it are not for this one.
    pub fn plain() -> Self {
        Self::serve(|command| command.args(["-c", PLAIN]))
    }

    /// The same with a registry's address in the place of ECR's, which leads nowhere.
    pub fn plain_with_registry(url: &str) -> Self {
        Self::serve(|command| command.args(["-c", PLAIN]).env("REGISTRY", url))
    }

    /// Starts a Python with these arguments, the name of the port file after them.
    fn serve(with: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let python = std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = File::create(folder.path().join("log")).expect("a log file");
        let port_file = folder.path().join("port");
        let child = with(&mut Command::new(&python))
            .arg(&port_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}; set CIRCLES_TEST_PYTHON", python.display()));
        let mut local = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
            turn: tokio::sync::Mutex::new(()),
        };
        let port = local.wait_for(&port_file);
        local.address.set_port(port);
        local
    }

    fn wait_for(&mut self, port_file: &std::path::Path) -> u16 {
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience {
            if let Ok(text) = std::fs::read_to_string(port_file) {
                return text.trim().parse().expect("a port number");
            }
            let ended = self.child.try_wait().expect("the server's state");
            assert!(
                ended.is_none(),
                "the sandbox did not start; does CIRCLES_TEST_PYTHON name a Python with its packages?\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the sandbox did not start within a minute\n{}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For clients of a test's own.
    pub async fn config(&self) -> aws_config::SdkConfig {
        aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(self.endpoint())
            .region("us-east-1")
            .credentials_provider(aws_credential_types::Credentials::new(
                "a", "b", None, None, "test",
            ))
            .load()
            .await
    }

    /// For tests that need the whole account for themselves: emptied and without waits now, and nobody else's until the guard is dropped.
    pub async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = self.turn.lock().await;
        self.control("POST", "clock", &json!({"factor": 0})).await;
        self.control("POST", "iam", &json!({"allow": null})).await;
        self.control("POST", "reset", &Json::Null).await;
        turn
    }

    /// Lets the caller do exactly these IAM actions; `None`: everything.
    pub async fn allow(&self, actions: Option<&[&str]>) {
        self.control("POST", "iam", &json!({ "allow": actions }))
            .await;
    }

    /// The calls after number `since`, and the last call's number.
    pub async fn calls(&self, since: u64) -> (Vec<SeenCall>, u64) {
        let path = format!("calls?since={since}");
        let answer = self.control("GET", &path, &Json::Null).await;
        let calls = serde_json::from_value(answer["calls"].clone()).expect("a list of calls");
        (
            calls,
            answer["last_seq"].as_u64().expect("the last call's number"),
        )
    }

    /// One request to the server's control interface; anything but 200 is a bug of the test.
    pub async fn control(&self, method: &str, path: &str, body: &Json) -> Json {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} /_sandbox/{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(self.address)
            .await
            .unwrap_or_else(|e| panic!("the sandbox does not answer: {e}\n{}", self.log()));
        stream
            .write_all(request.as_bytes())
            .await
            .expect("a request that is sent");
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .await
            .expect("an answer to its end");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(
            head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.0 200"),
            "{method} {path}: {answer}"
        );
        serde_json::from_str(body).expect("a JSON answer")
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
