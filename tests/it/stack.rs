//! The real stack file, the real program, a local AWS: applied, found again without a state, destroyed. What happens when a run is killed
//! on its way is in `crash`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::local_aws::LocalAws;

/// One world with a state folder of its own.
struct World {
    aws: LocalAws,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            aws: LocalAws::start(),
            state: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circles-infra"));
        command
            .arg("--stack")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/circles.yaml"))
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", "300ms")
            .env("CIRCLES_STATE_DIR", self.state.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs and expects an exit code.
    fn expect(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
        text
    }

    /// All that exists. How far a service's roll-out has got is the clock's doing, not the program's, and is left out.
    async fn inventory(&self) -> Json {
        let mut all = self.aws.control("GET", "inventory", &Json::Null).await;
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

    async fn mutating_calls(&self) -> usize {
        let (calls, _) = self.aws.calls(0).await;
        calls.iter().filter(|call| call.mutating).count()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_found_again_and_destroyed() {
    let world = World::new();
    let nothing = world.inventory().await;
    world.expect(&["plan", "--detailed-exitcode"], 2);
    assert_eq!(world.mutating_calls().await, 0, "a plan writes nothing");
    assert!(files(world.state.path()).is_empty(), "not even a state");
    let said = world.expect(&["apply", "--yes"], 0);
    assert!(said.contains("circles-app holds none yet"), "{said}");
    world.expect(&["plan", "--detailed-exitcode"], 0);
    let name = world.run(&["--quiet", "outputs", "alb_dns_name"]);
    assert!(String::from_utf8_lossy(&name.stdout).starts_with("circles-alb-"));
    let secrets = secret_values(&world).await;
    assert!(secrets.len() >= 5, "{} secret values", secrets.len());
    for path in files(world.state.path()) {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        assert!(
            secrets.iter().all(|secret| !text.contains(secret)),
            "{}",
            path.display()
        );
    }
    // A state is only a memory.
    for path in files(world.state.path()) {
        std::fs::remove_file(path).expect("a removed file");
    }
    world.expect(&["plan", "--detailed-exitcode"], 0);
    let said = world.expect(&["state", "rebuild"], 0);
    assert!(!said.contains("error"), "{said}");
    world.expect(&["plan", "--detailed-exitcode"], 0);
    world.expect(&["destroy", "--yes"], 0);
    assert_eq!(world.inventory().await, nothing);
}

/// The values that must be nowhere: generated ones, and what holds them.
async fn secret_values(world: &World) -> Vec<String> {
    let config = world.aws.config().await;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let mut all = Vec::new();
    for name in ["circles/app-config", "circles/db-master"] {
        let answer = client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .expect("the secret");
        let json: Json = serde_json::from_str(answer.secret_string().expect("text")).expect("JSON");
        let map = json.as_object().expect("an object");
        all.extend(
            map.iter()
                .filter(|(key, _)| !key.starts_with("S3_"))
                .filter_map(|(_, value)| value.as_str().map(str::to_owned)),
        );
    }
    all
}
