//! State in a bucket, and in a folder that is broken: the real program, several machines, a local AWS. A machine is a process with a
//! folder of its own and nothing in common with the others but the bucket.

mod broken;
// The shim is for the dynamic linker of Linux.
#[cfg(target_os = "linux")]
mod clocks;
mod encrypted;
mod machines;
mod moving;

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::local_aws::LocalAws;

/// Short enough for a test, long enough for a busy machine.
const LEASE: &str = "10s";

/// How many log groups the small stack has.
const GROUPS: usize = 8;

struct World {
    aws: LocalAws,
    folder: TempDir,
}

/// The small stack, its state kept as `state` says.
fn small(state: &str) -> String {
    let mut text = format!(
        "stack: shop\nregion: us-east-1\ndefault_environment: dev\nenvironments:\n  dev: {{ ephemeral: true }}\nstate: {state}\nresources:\n"
    );
    for number in 0..GROUPS {
        text.push_str(&format!(
            "  logs{number}: {{ type: logs.log_group, name: /shop/{number} }}\n"
        ));
    }
    text
}

const IN_S3: &str = "{ backend: s3, bucket: shop-states }";
const IN_TABLE: &str = "{ backend: s3, bucket: shop-states, lock: { dynamodb: shop-locks } }";

impl World {
    fn new(stack: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("stack.yaml"), stack).expect("a stack file");
        Self {
            aws: LocalAws::start(),
            folder,
        }
    }

    /// The small stack, and its bucket.
    fn in_s3() -> Self {
        let world = Self::new(&small(IN_S3));
        world.expect("ann", &["state", "bootstrap"], 0);
        world
    }

    fn stack(&self, text: &str) {
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a stack file");
    }

    /// A command on the machine of that name.
    fn command(&self, machine: &str, arguments: &[&str]) -> Command {
        let home = self.folder.path().join(machine);
        std::fs::create_dir_all(&home).expect("a machine's folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_circles-infra"));
        command
            .current_dir(&home)
            .arg("--stack")
            .arg(self.folder.path().join("stack.yaml"))
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", "300ms")
            .env("CIRCLES_LEASE", LEASE)
            .env("CIRCLES_STATE_DIR", home.join("state"))
            .env("USER", machine)
            .stdin(Stdio::null());
        for variable in ["GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL"] {
            command.env_remove(variable);
        }
        command
    }

    fn expect(&self, machine: &str, arguments: &[&str], code: i32) -> String {
        let output = self
            .command(machine, arguments)
            .output()
            .expect("the program runs");
        said(&output, &format!("{machine}: {arguments:?}"), code)
    }

    fn start(&self, machine: &str, arguments: &[&str]) -> Child {
        self.command(machine, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// Every call that makes a log group takes that long.
    async fn slow(&self, seconds: f64) {
        let fault = json!({"kind": "delay", "service": "logs", "action": "CreateLogGroup", "seconds": seconds});
        self.aws.control("POST", "faults", &fault).await;
    }

    async fn quick(&self) {
        self.aws.control("DELETE", "faults", &Json::Null).await;
    }

    async fn inventory(&self) -> Json {
        let mut all = self.aws.control("GET", "inventory", &Json::Null).await;
        // The bucket that keeps the state is no part of the stack.
        for (_, region) in all["regions"].as_object_mut().into_iter().flatten() {
            if let Some(region) = region.as_object_mut() {
                region.remove("s3_buckets");
                region.remove("buckets");
            }
        }
        if let Some(all) = all.as_object_mut() {
            all.remove("s3_buckets");
            all.remove("buckets");
        }
        all
    }

    async fn made(&self) -> usize {
        let (calls, _) = self.aws.calls(0).await;
        calls
            .iter()
            .filter(|call| call.action == "CreateLogGroup")
            .count()
    }

    /// Waits until so many groups are made, counted over all runs.
    async fn until_made(&self, count: usize) {
        let patience = Instant::now() + Duration::from_secs(120);
        while self.made().await < count {
            assert!(Instant::now() < patience, "{} made", self.made().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn s3(&self) -> aws_sdk_s3::Client {
        let config = self.aws.config().await;
        let config = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The one object of the bucket whose name ends so.
    async fn object(&self, end: &str) -> String {
        let all = self
            .s3()
            .await
            .list_objects_v2()
            .bucket("shop-states")
            .send()
            .await
            .expect("a listing");
        let mut names = all.contents().iter().filter_map(|object| object.key());
        names
            .find(|name| name.ends_with(end))
            .unwrap_or_else(|| panic!("no object …{end}"))
            .to_owned()
    }

    async fn text_of(&self, name: &str) -> String {
        let s3 = self.s3().await;
        let read = s3.get_object().bucket("shop-states").key(name).send().await;
        let bytes = read.expect("an object").body.collect().await;
        let bytes = bytes.expect("its bytes").into_bytes();
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    async fn put(&self, name: &str, text: &str) {
        self.s3()
            .await
            .put_object()
            .bucket("shop-states")
            .key(name)
            .body(text.as_bytes().to_vec().into())
            .send()
            .await
            .expect("a written object");
    }
}

fn said(output: &Output, what: &str, code: i32) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{what}\n{text}");
    crate::standing::plain_commands(&text)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}
