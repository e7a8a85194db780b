//! The example pipelines, as they stand: every line that a job runs, in order, on the local AWS. Git's host and Docker are stood in for.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

use crate::local_aws::LocalAws;
use crate::made_up::MadeUp;

/// What the pipelines' notes say to add to the stack file.
const STATE: &str = "state: { backend: s3, bucket: acme-circles-states }";

const PIPELINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci");

/// A checkout with the stack, and a machine with the program, `gh` and `docker` on it.
struct Runner {
    aws: LocalAws,
    service: MadeUp,
    folder: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let runner = Self {
            aws: LocalAws::start(),
            service: MadeUp::whole(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let folder = runner.folder.path();
        for name in ["bin", "checkout/stacks", "checkout/examples/ci"] {
            std::fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/circles.yaml");
        let text = std::fs::read_to_string(stack).expect("the stack file");
        let text = text.replacen("\nregion:", &format!("\n{STATE}\nregion:"), 1);
        assert!(text.contains(STATE));
        std::fs::write(folder.join("checkout/stacks/circles.yaml"), text).expect("the stack file");
        let script = folder.join("checkout/examples/ci/pipeline.sh");
        std::fs::copy(format!("{PIPELINES}/pipeline.sh"), script).expect("the script");
        let program = env!("CARGO_BIN_EXE_circles-infra");
        std::os::unix::fs::symlink(program, folder.join("bin/circles-infra")).expect("a link");
        // They leave what they were called with, and the archive that a build leaves.
        runner.stand_in("gh", "echo \"$@\" >> ../gh.calls; test -s plan.md");
        let archive = folder.join("image.tar");
        let copy = format!(
            "echo \"$@\" >> ../docker.calls; cp {} app.tar",
            archive.display()
        );
        runner.stand_in("docker", &copy);
        std::fs::write(&archive, image()).expect("an image archive");
        runner
    }

    fn stand_in(&self, name: &str, script: &str) {
        let path = self.folder.path().join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\nset -e\n{script}\n")).expect("a script");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, executable).expect("an executable script");
    }

    fn in_checkout(&self, mut command: Command) -> Command {
        let bin = self.folder.path().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.folder.path().join("checkout"))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary.md"))
            .env("AWS_ENDPOINT_URL", self.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("CIRCLES_SETTLE_WINDOW", "300ms")
            .env("CIRCLES_URL", &self.service.url)
            .stdin(Stdio::null());
        command
    }

    /// As GitHub runs a `run:` without a shell of its own.
    fn step(&self, script: &str, environment: &[(String, String)]) -> Output {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
        let mut command = self.in_checkout(command);
        let environment = environment.iter().map(|(name, value)| (name, value));
        command.envs(environment).output().expect("bash runs")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// An image archive as `docker buildx build --output type=oci` leaves it: one layer, for linux/amd64.
fn image() -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let digest = |bytes: &[u8]| {
        let hash: String = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hash
    };
    let layer = tar_of(&[("hello".to_owned(), b"hello".to_vec())]);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["/hello"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
        digest(&layer)
    )
    .into_bytes();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:{}","size":{}}}]}}"#,
        digest(&config),
        config.len(),
        digest(&layer),
        layer.len()
    )
    .into_bytes();
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{}","size":{},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#,
        digest(&manifest),
        manifest.len()
    )
    .into_bytes();
    let blob = |bytes: &[u8]| (format!("blobs/sha256/{}", digest(bytes)), bytes.to_vec());
    tar_of(&[
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index),
        blob(&layer),
        blob(&config),
        blob(&manifest),
    ])
}

fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        archive
            .append_data(&mut header, name, bytes.as_slice())
            .expect("a file in an archive");
    }
    archive.into_inner().expect("an archive")
}

/// A pipeline's file, by the parser that the sandbox's packages bring along.
fn pipeline(name: &str) -> Json {
    let python = std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python)
        .args([
            "-c",
            "import json, sys, yaml; d = yaml.safe_load(open(sys.argv[1])); d['on'] = d.pop(True, None); print(json.dumps(d))",
        ])
        .arg(format!("{PIPELINES}/{name}"))
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A step's own environment, with what GitHub would put in: a secret, a variable, the event.
fn environment(step: &Json) -> Vec<(String, String)> {
    let named = step["env"].as_object().cloned().unwrap_or_default();
    named
        .into_iter()
        .filter(|(name, _)| name != "CIRCLES_URL")
        .map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            let value = match text {
                "${{ secrets.FOURSQUARE_API_KEY }}" => "fsq-canary-value",
                "${{ github.event.pull_request.number }}" => "7",
                "${{ github.token }}" | "${{ vars.CIRCLES_INFRA }}" => "unused",
                other => panic!("{name}: {other}"),
            };
            (name, value.to_owned())
        })
        .collect()
}

/// Runs a job of the workflow and returns its scripts. `more`: the environment of the job itself.
fn run_job(runner: &Runner, job: &Json, more: &[(String, String)]) -> Vec<String> {
    let mut ran = Vec::new();
    for step in job["steps"].as_array().expect("steps") {
        let Some(script) = step["run"].as_str() else {
            assert!(step["uses"].is_string(), "{step}");
            continue;
        };
        assert!(
            !script.contains("${{"),
            "untrusted text in a script: {script}"
        );
        let variables = [environment(step), more.to_vec()].concat();
        let output = runner.step(script, &variables);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{script}\n{text}");
        assert!(!text.contains("fsq-canary-value"), "{text}");
        ran.push(script.to_owned());
    }
    ran
}

#[test]
fn every_line_of_the_workflow_runs() {
    let runner = Runner::new();
    let workflow = pipeline("github-actions.yaml");
    assert_eq!(workflow["permissions"]["id-token"], "write");
    assert!(workflow["on"]["schedule"][0]["cron"].is_string());
    let jobs = &workflow["jobs"];
    let mut ran = Vec::new();
    for job in ["dev", "plan", "prod-plan", "prod"] {
        ran.extend(run_job(&runner, &jobs[job], &[]));
    }
    let matrix = &jobs["drift"]["strategy"]["matrix"]["include"];
    for entry in matrix.as_array().expect("a matrix") {
        let name = entry["environment"].as_str().expect("an environment");
        let variable = ("CIRCLES_ENVIRONMENT".to_owned(), name.to_owned());
        ran.extend(run_job(&runner, &jobs["drift"], &[variable]));
    }
    for line in [
        "state bootstrap",
        "plan --format markdown",
        "apply --yes --lock-timeout 10m dev.plan",
        "--env prod apply --yes --lock-timeout 10m prod.plan",
        "secrets set",
        "deploy --image app.tar",
        "docker buildx build",
        "verify --url",
        "circles-infra status",
        "gh pr comment",
        "drift --detailed-exitcode",
    ] {
        assert!(
            ran.iter().any(|script| script.contains(line)),
            "{line}: {ran:?}"
        );
    }
    let comment = runner.read("checkout/plan.md");
    assert!(
        runner
            .read("gh.calls")
            .contains("pr comment 7 --body-file plan.md")
    );
    assert!(runner.read("summary.md").contains(&comment));
    // The pull request's plan after a push: what was shipped is what the file says.
    assert!(comment.contains("Nothing to "), "{comment}");
    // What is reviewed for prod is all of it, and so is what was applied.
    assert!(runner.read("summary.md").contains("circles-prod-alb"));
    // The state is where another runner finds it.
    assert!(!runner.folder.path().join("checkout/state").exists());
}

/// Runs a job of the pipeline for GitLab, its own variables in place, and returns the last line's code and text.
fn run_gitlab_job(
    runner: &Runner,
    job: &Json,
    variables: &[(String, String)],
) -> (Option<i32>, String) {
    let mut last = (None, String::new());
    for line in job["script"].as_array().expect("a script") {
        let line = line.as_str().expect("a line");
        let output = runner.step(line, variables);
        last = (output.status.code(), format!("{line}\n{output:?}"));
        if !output.status.success() {
            break;
        }
    }
    last
}

#[test]
fn the_shell_pipeline_runs_as_gitlab_calls_it() {
    let runner = Runner::new();
    let jobs = pipeline("gitlab-ci.yaml");
    for stage in jobs["stages"].as_array().expect("stages") {
        let stage = stage.as_str().expect("a stage");
        assert_eq!(jobs[stage]["stage"], stage);
    }
    let run = |job: &str, variables: &[(String, String)]| {
        let (code, text) = run_gitlab_job(&runner, &jobs[job], variables);
        assert_eq!(code, Some(0), "{job}: {text}");
        text
    };
    let text = run("dev", &[]);
    assert!(runner.read("checkout/dev.plan.md").contains("circles-alb"));
    assert!(text.contains("steady and healthy"), "{text}");
    run("plan", &[]);
    assert!(runner.read("checkout/plan.md").contains("Nothing to "));
    run("prod-plan", &[]);
    let reviewed = runner.read("checkout/prod.plan.md");
    assert!(reviewed.contains("circles-prod-alb"), "{reviewed}");
    run("prod", &[]);
    let matrix = jobs["drift"]["parallel"]["matrix"].as_array().cloned();
    for entry in matrix.expect("a matrix") {
        let name = entry["CIRCLES_ENVIRONMENT"]
            .as_str()
            .expect("an environment");
        run("drift", &[("CIRCLES_ENVIRONMENT".into(), name.into())]);
    }
    // A plan that was applied is stale; and a word that there is not is refused.
    let again = runner.step("examples/ci/pipeline.sh ship prod", &[]);
    assert_eq!(again.status.code(), Some(73), "{again:?}");
    let wrong = runner.step("examples/ci/pipeline.sh wrong", &[]);
    assert_eq!(wrong.status.code(), Some(64));
}
