//! Shipping code to the real stack file's service in a local AWS: what happens when all goes well, and what when it does not.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use circles_infra::aws::{Aws, Connect};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::local_aws::LocalAws;
use crate::standing::Said;

mod bad_input;
mod building;
mod debian;
pub mod images;
mod interrupted;
mod lifecycle;
mod logins;
mod outside;
mod rolled_back;
mod several;

use images::{Image, oci, push, saved};

const REPOSITORY: &str = "circles-app";

/// The stack, applied, with a folder for archives.
struct Shop {
    aws: LocalAws,
    sdk: Aws,
    folder: TempDir,
    stack: PathBuf,
}

const STACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/circles.yaml");

impl Shop {
    async fn open() -> Self {
        Self::of(
            STACK.into(),
            tempfile::tempdir().expect("a temporary folder"),
        )
        .await
    }

    /// The real stack with some lines exchanged.
    async fn with(changes: &[(&str, &str)]) -> Self {
        let mut text = std::fs::read_to_string(STACK).expect("the stack file");
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stack = folder.path().join("stack.yaml");
        std::fs::write(&stack, text).expect("a stack file");
        Self::of(stack, folder).await
    }

    async fn of(stack: PathBuf, folder: TempDir) -> Self {
        Self::at(LocalAws::start(), stack, folder).await
    }

    async fn at(aws: LocalAws, stack: PathBuf, folder: TempDir) -> Self {
        let sdk = Aws::connect(&Connect {
            region: Some("us-east-1".into()),
            endpoint: Some(aws.endpoint()),
            static_credentials: Some(("test".into(), "test".into())),
            ..Connect::default()
        })
        .await
        .expect("the local AWS answers");
        let shop = Self {
            aws,
            sdk,
            folder,
            stack,
        };
        shop.expect(&["apply", "--yes"], 0);
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
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
            .env("CIRCLES_STATE_DIR", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("GITHUB_SHA")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// Runs and expects an exit code; what was said.
    fn expect(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{text}");
        text
    }

    fn json(&self, arguments: &[&str]) -> Json {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", text(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// No change to be made, which is what every deploy has to leave behind.
    fn nothing_to_do(&self) -> String {
        self.expect(&["plan", "--detailed-exitcode"], 0)
    }

    /// An archive of a new image.
    fn archive(&self, word: &str) -> (Image, String) {
        let image = Image::new(word, "amd64");
        let path = oci(
            self.folder.path(),
            &format!("{word}.tar"),
            &[(&image, "amd64")],
        );
        (image, path.display().to_string())
    }

    async fn behaves(&self, image: &Image, behaviour: &str, log: &[&str]) {
        let body = json!({"image": image.digest(), "behaviour": behaviour, "log": log});
        self.aws.control("POST", "images", &body).await;
    }

    async fn clock(&self, factor: f64) {
        let body = json!({ "factor": factor });
        self.aws.control("POST", "clock", &body).await;
    }

    async fn service(&self) -> aws_sdk_ecs::types::Service {
        self.named("circles-svc").await
    }

    async fn named(&self, service: &str) -> aws_sdk_ecs::types::Service {
        let answer = self
            .sdk
            .ecs
            .describe_services()
            .cluster("circles-cluster")
            .services(service)
            .send()
            .await
            .expect("services");
        answer.services()[0].clone()
    }

    async fn definition(&self) -> aws_sdk_ecs::types::TaskDefinition {
        self.definition_of("circles-svc").await
    }

    async fn definition_of(&self, service: &str) -> aws_sdk_ecs::types::TaskDefinition {
        let named = self.named(service).await;
        let arn = named.task_definition.expect("a definition");
        let answer = self
            .sdk
            .ecs
            .describe_task_definition()
            .task_definition(arn)
            .send()
            .await
            .expect("a definition");
        answer.task_definition.expect("a definition")
    }

    /// What the service runs.
    async fn image(&self) -> String {
        self.image_of("circles-svc").await
    }

    async fn image_of(&self, service: &str) -> String {
        let definition = self.definition_of(service).await;
        definition.container_definitions()[0]
            .image()
            .expect("an image")
            .to_owned()
    }

    /// Requests to the registry since call number `since`, by action.
    async fn registry_calls(&self, since: u64) -> (Vec<String>, u64) {
        let (calls, last) = self.aws.calls(since).await;
        let actions = calls
            .into_iter()
            .filter(|call| call.service == "registry")
            .map(|call| call.action)
            .collect();
        (actions, last)
    }

    fn forget_state(&self) {
        std::fs::remove_dir_all(self.path("state")).expect("a state to forget");
    }
}

fn text(output: &Output) -> String {
    Said::of(output).all()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shipped_counts_from_then_on() {
    let shop = Shop::open().await;
    let before = shop.definition().await;
    let (image, path) = shop.archive("one");
    let said = shop.expect(&["deploy", "--image", &path, "--migrate"], 0);
    for words in [
        "1 of 1 layers sent",
        "migrated",
        "steady and healthy",
        "no load balancer behind it",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(
        shop.image()
            .await
            .ends_with(&format!("@{}", image.digest()))
    );
    // In the image alone it differs from the one before.
    let mut after = shop.definition().await;
    after.container_definitions.as_mut().expect("containers")[0].image =
        before.container_definitions()[0].image.clone();
    assert_eq!(
        after.container_definitions(),
        before.container_definitions()
    );
    assert_eq!(after.runtime_platform(), before.runtime_platform());
    shop.nothing_to_do();

    // The same again: no layer is sent, nothing is registered.
    let revision = shop.service().await.task_definition;
    let (_, since) = shop.aws.calls(0).await;
    let said = shop.expect(&["deploy", "--image", &path], 0);
    assert!(
        said.contains("no layer sent") && said.contains("nothing to do"),
        "{said}"
    );
    let (calls, _) = shop.registry_calls(since).await;
    assert!(
        calls
            .iter()
            .all(|call| call == "BatchGetImage" || call == "GetAuthorizationToken"),
        "{calls:?}"
    );
    assert_eq!(shop.service().await.task_definition, revision);

    // It survives the state, and a stack file that names another image.
    shop.forget_state();
    shop.nothing_to_do();
    let said = shop.expect(&["--var", "image_tag=v2", "plan", "--detailed-exitcode"], 0);
    assert!(
        said.contains("circles-infra deploy app --image v2"),
        "{said}"
    );
    shop.expect(
        &[
            "--var",
            "container_cpu=1024",
            "--var",
            "container_memory=2048",
            "apply",
            "--yes",
        ],
        0,
    );
    assert!(
        shop.image().await.ends_with(&image.digest()),
        "an apply keeps it"
    );
    assert_eq!(shop.definition().await.cpu(), Some("1024"));
    let releases = shop.json(&["releases", "--json"]);
    let newest = &releases[0]["releases"][0];
    assert_eq!(
        (newest["running"].as_bool(), newest["commit"].as_str()),
        (Some(true), Some("one"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn back_and_forth_between_releases() {
    let shop = Shop::open().await;
    let said = shop.expect(&["rollback"], 1);
    assert!(said.contains("nothing ran before"), "{said}");
    let (first, path) = shop.archive("first");
    shop.expect(&["deploy", "--image", &path], 0);
    // What Docker saved: packed once, then remembered.
    let second = Image::new("second", "amd64");
    let archive = saved(shop.folder.path(), "second.tar", &second);
    let archive = archive.display().to_string();
    shop.expect(&["deploy", "app", "--image", &archive], 0);
    let (_, since) = shop.aws.calls(0).await;
    shop.expect(&["deploy", "--image", &archive], 0);
    let (calls, _) = shop.registry_calls(since).await;
    assert!(
        !calls.contains(&"CompleteLayerUpload".to_owned()),
        "{calls:?}"
    );
    let second = shop.image().await;

    let said = shop.expect(&["rollback"], 0);
    assert!(said.contains("going back to release-"), "{said}");
    assert!(shop.image().await.ends_with(&first.digest()));
    shop.nothing_to_do();
    let all = shop.json(&["releases", "--json"]);
    let releases = all[0]["releases"].as_array().expect("releases");
    let of_second = releases
        .iter()
        .find(|one| one["image"].as_str() == Some(&second))
        .expect("the second release");
    let name = of_second["name"].as_str().expect("a name").to_owned();
    assert!(
        releases[0]["by"]
            .as_str()
            .expect("who")
            .contains("arn:aws:iam::000000000000"),
        "{releases:?}"
    );
    // Without a state, to a release by its name.
    shop.forget_state();
    shop.expect(&["rollback", "--to", &name], 0);
    assert_eq!(shop.image().await, second);
    let said = shop.expect(&["rollback", "--to", "release-none"], 1);
    assert!(said.contains("has no release release-none"), "{said}");
    let table = shop.expect(&["releases"], 0);
    assert!(
        table.contains("▶ release-") && table.contains("commit first"),
        "{table}"
    );
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_does_not_run_is_rolled_back() {
    let shop = Shop::open().await;
    let (good, path) = shop.archive("good");
    shop.expect(&["deploy", "--image", &path], 0);
    for (word, behaviour, said_so) in [
        (
            "crashing",
            "crashes",
            "thread 'main' panicked at src/main.rs",
        ),
        ("ill", "unhealthy", "health checks"),
    ] {
        let (bad, path) = shop.archive(word);
        shop.behaves(&bad, behaviour, &["thread 'main' panicked at src/main.rs"])
            .await;
        let said = shop.expect(&["deploy", "--image", &path, "--timeout", "30s"], 69);
        assert!(said.contains(said_so), "{word}\n{said}");
        assert!(
            said.contains("was given up") && said.contains("again, and is steady"),
            "{said}"
        );
        assert!(shop.image().await.ends_with(&good.digest()), "{word}");
        shop.nothing_to_do();
    }
    let table = shop.expect(&["releases"], 0);
    assert_eq!(table.matches("given up").count(), 2, "{table}");
    // Those that were given up are passed over, here: there is nothing else.
    let (next, path) = shop.archive("next");
    shop.expect(&["deploy", "--image", &path], 0);
    shop.expect(&["rollback"], 0);
    assert!(shop.image().await.ends_with(&good.digest()));
    assert_ne!(good.digest(), next.digest());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_leaves_the_service_alone() {
    let shop = Shop::open().await;
    let (good, path) = shop.archive("good");
    shop.expect(&["deploy", "--image", &path], 0);
    let (bad, path) = shop.archive("bad");
    shop.behaves(&bad, "crashes", &["relation users does not exist"])
        .await;
    let said = shop.expect(&["deploy", "--image", &path, "--migrate"], 1);
    assert!(said.contains("the migration failed"), "{said}");
    assert!(said.contains("relation users does not exist"), "{said}");
    assert!(shop.image().await.ends_with(&good.digest()));
    shop.nothing_to_do();
}
