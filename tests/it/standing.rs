//! A stack that stands: the real program, a local AWS of its own, a state folder; for the verbs that work on what an apply made.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::local_aws::LocalAws;

pub struct Standing {
    pub aws: LocalAws,
    pub state: TempDir,
    stack: PathBuf,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// With suggested commands as `plain_commands` has them.
    pub fn of(output: &Output) -> Self {
        let raw = Self::raw(output);
        Self {
            out: plain_commands(&raw.out),
            err: plain_commands(&raw.err),
            ..raw
        }
    }

    pub fn raw(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// A text whose suggested commands stand without the options of the invocation: `circles-infra --stack FILE apply` as `circles-infra apply`.
/// Whether they are there is what `verbs/pasted.rs` tests.
pub fn plain_commands(text: &str) -> String {
    const PROGRAM: &str = "circles-infra ";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(PROGRAM) {
        let (before, after) = rest.split_at(at + PROGRAM.len());
        out.push_str(before);
        rest = after;
        while let Some(option) = rest.strip_prefix("--") {
            let Some((name, value)) = option.split_once(' ') else {
                break;
            };
            let known = ["stack", "env", "region", "profile", "var", "var-file"];
            let end = match value.strip_prefix('\'') {
                Some(quoted) => quoted.find("' ").map(|at| at + 3),
                None => value.find(' ').map(|at| at + 1),
            };
            match end {
                Some(end) if known.contains(&name) => rest = &value[end..],
                _ => break,
            }
        }
    }
    out.push_str(rest);
    out
}

impl Standing {
    /// The real stack, applied.
    pub fn circles() -> Self {
        Self::applied(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/stacks/circles.yaml"
        )))
    }

    /// A stack written for the test, applied.
    pub fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("stack.yaml");
        std::fs::write(&file, text).expect("a stack file");
        let mut standing = Self::applied(&file);
        // The stack file lives as long as the state.
        let kept = standing.state.path().join("stack.yaml");
        std::fs::copy(&file, &kept).expect("a copy");
        standing.stack = kept;
        standing
    }

    fn applied(stack: &Path) -> Self {
        let standing = Self {
            aws: LocalAws::start(),
            state: tempfile::tempdir().expect("a temporary folder"),
            stack: stack.to_owned(),
        };
        standing.expect(&["apply", "--yes"], 0);
        standing
    }

    /// With the state in the folder given, as somebody elsewhere would have it.
    pub fn command_of(&self, state: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circles-infra"));
        command
            .arg("--stack")
            .arg(&self.stack)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", "300ms")
            .env("CIRCLES_STATE_DIR", state.join("state"))
            .stdin(Stdio::null());
        command
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(self.state.path(), arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().expect("the program runs"))
    }

    /// Runs, and wants this exit code.
    pub fn expect(&self, arguments: &[&str], code: i32) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}\n{}", said.all());
        said
    }

    /// Runs with a standard input.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Said {
        feed(&mut self.command(arguments), input)
    }

    /// Every file below the state folder, as text.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let mut all = Vec::new();
        read_below(self.state.path(), &mut all);
        all
    }

    pub async fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.aws.config().await)
    }

    /// What a secret holds now.
    pub async fn held(&self, name: &str) -> serde_json::Map<String, Json> {
        let answer = self
            .secrets()
            .await
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .expect("the secret");
        serde_json::from_str(answer.secret_string().expect("text")).expect("an object")
    }
}

/// Starts a command with this on its standard input.
pub fn fed(command: &mut Command, input: &[u8]) -> Child {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    // A program that refuses at once does not read it.
    let _ = pipe.write_all(input);
    child
}

pub fn feed(command: &mut Command, input: &[u8]) -> Said {
    Said::of(&fed(command, input).wait_with_output().expect("its end"))
}

fn read_below(folder: &Path, all: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_below(&path, all);
        } else if let Ok(bytes) = std::fs::read(&path) {
            all.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}
