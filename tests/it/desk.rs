//! One user's desk: a stack file, a state folder, the real program, and a way to change AWS behind its back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::local_aws::LocalAws;
use crate::standing::Said;

pub struct Desk {
    pub aws: Arc<LocalAws>,
    folder: TempDir,
}

/// What every script begins with.
const PRELUDE: &str = "
import json, sys
import boto3
from botocore.config import Config
def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='a',
                        aws_secret_access_key='b', config=Config(s3={'addressing_style': 'path'}))
ec2, elb, iam, logs, s3 = (client(s) for s in ('ec2', 'elbv2', 'iam', 'logs', 's3'))
secrets, rds, ecs, ecr = (client(s) for s in ('secretsmanager', 'rds', 'ecs', 'ecr'))
";

impl Desk {
    /// In an AWS that others use too: the stack's name keeps them apart.
    pub fn shared(stack: &str) -> Self {
        Self::at(LocalAws::shared_by_stacks(), stack)
    }

    /// In an AWS of its own, for what counts its calls, breaks them, or lists everything.
    pub fn alone(stack: &str) -> Self {
        Self::at(Arc::new(LocalAws::start()), stack)
    }

    /// In a moto of its own, without the sandbox's layer over it.
    pub fn plain(stack: &str) -> Self {
        Self::at(Arc::new(LocalAws::plain()), stack)
    }

    /// The real stack, in an AWS of its own.
    pub fn circles() -> Self {
        Self::alone(include_str!("../../stacks/circles.yaml"))
    }

    fn at(aws: Arc<LocalAws>, stack: &str) -> Self {
        let desk = Self {
            aws,
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        desk.write(stack);
        desk
    }

    /// Another text of the stack file.
    pub fn write(&self, stack: &str) {
        std::fs::write(self.path("stack.yaml"), stack).expect("a stack file");
    }

    /// The stack file with one text in place of another.
    pub fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("stack.yaml")).expect("the stack file");
        assert!(text.contains(from), "the stack file has no {from}");
        self.write(&text.replace(from, to));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text_of(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circles-infra"));
        command
            .arg("--stack")
            .arg(self.path("stack.yaml"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", "300ms")
            .env("CIRCLES_STATE_DIR", self.path("state"))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// Runs, and wants this exit code.
    pub fn expect(&self, arguments: &[&str], code: i32) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}\n{}", said.all());
        said
    }

    /// Nothing is left to do.
    pub fn settled(&self, arguments: &[&str]) {
        let mut all = vec!["plan", "--detailed-exitcode"];
        all.extend(arguments);
        self.expect(&all, 0);
    }

    /// Lets a boto3 script at AWS; what it prints.
    pub fn boto(&self, script: &str) -> String {
        python(&["-c", &format!("{PRELUDE}{script}"), &self.aws.endpoint()])
    }

    /// All that exists in this AWS. How far a service's roll-out has got is the clock's doing, not the program's, and is left out.
    pub async fn inventory(&self, path: &str) -> Json {
        let mut all = self.aws.control("GET", path, &Json::Null).await;
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

    pub async fn fault(&self, fault: Json) {
        self.aws.control("POST", "faults", &fault).await;
    }

    pub async fn no_faults(&self) {
        self.aws.control("DELETE", "faults", &Json::Null).await;
    }

    /// Mutating calls so far.
    pub async fn mutations(&self) -> usize {
        let (calls, _) = self.aws.calls(0).await;
        calls.iter().filter(|call| call.mutating).count()
    }

    /// Every file below the state folder with its bytes.
    pub fn state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut all = Vec::new();
        read_below(&self.path("state"), &mut all);
        all.sort();
        all
    }

    /// The one folder that holds this stack's state.
    pub fn state_folder(&self) -> PathBuf {
        let mut all = std::fs::read_dir(self.path("state")).expect("a state");
        all.next().expect("a state").expect("a state").path()
    }

    /// What was said, without what differs from run to run.
    pub fn steady(&self, said: &Said) -> String {
        let text = format!(
            "{}{}[exit {}]\n",
            said.out,
            said.err,
            said.code.unwrap_or(-1)
        );
        let text = text
            .replace(&self.folder.path().display().to_string(), "FOLDER")
            .replace(&self.aws.endpoint(), "ENDPOINT")
            .replace(
                &self.aws.endpoint().replace("http://", "").replace(':', "_"),
                "ENDPOINT",
            );
        without_ids(&text)
    }
}

pub fn said(command: &mut Command) -> Said {
    Said::of(&command.output().expect("the program runs"))
}

pub fn python(arguments: &[&str]) -> String {
    let python = std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python)
        .args(arguments)
        .output()
        .expect("CIRCLES_TEST_PYTHON names a Python");
    let said = Said::of(&output);
    assert_eq!(said.code, Some(0), "{}", said.all());
    said.out.trim_end().to_owned()
}

/// Ids, request numbers and seconds are not the program's choice.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        if let Some(at) = line.find(" (request ")
            && let Some(end) = line[at..].find(')')
        {
            line.replace_range(at..=at + end, "");
        }
        let words: Vec<String> = line.split(' ').map(steady_word).collect();
        let mut line = words.join(" ");
        // What is carried out side by side takes its time as it comes.
        if let Some(at) = line.rfind(" in N s") {
            line.truncate(at + " in N s".len());
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn steady_word(word: &str) -> String {
    let inner = word.trim_matches(|c| "\"(),.".contains(c));
    let id = ["vpc-", "sg-", "subnet-"].iter().find(|mark| {
        inner.starts_with(**mark) && inner[mark.len()..].chars().all(|c| c.is_ascii_hexdigit())
    });
    if let Some(mark) = id {
        return word.replace(inner, &format!("{mark}…"));
    }
    if inner.contains('.')
        && !inner.is_empty()
        && inner.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return word.replace(inner, "N");
    }
    word.to_owned()
}

fn read_below(folder: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_below(&path, all);
        } else if let Ok(bytes) = std::fs::read(&path) {
            all.push((path, bytes));
        }
    }
}
