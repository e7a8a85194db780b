//! `secrets …` on a stack that stands: values in, versions out, nothing lost between two who write at once.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::standing::{Said, Standing, fed, feed};

const CONFIG: &str = "circles/app-config";
const API: &str = "APP_FOURSQUARE_API_KEY";
const JWT: &str = "APP_JWT_SECRET_KEY";

/// One secret with several keys of operators.
const KEYS: &str = "
stack: keys
region: us-east-1
environments: { dev: { ephemeral: true } }
default_environment: dev
resources:
  config:
    type: secretsmanager.secret
    name: keys/config
    recovery_window: 7
    keys:
      SEED: { generate: 20 }
      NEEDED: { operator: required }
      A: { operator: optional }
      B: { operator: optional }
      C: { operator: optional }
      D: { operator: optional }
      E: { operator: optional }
      F: { operator: optional }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_set_shown_kept_and_unset() {
    let world = Standing::circles();
    let before = world.held(CONFIG).await;
    let value = "two\nlines, \"quotes\", 'more', 100 % \\ and é\u{1}";
    let said = world.feed(&["secrets", "set", API], value.as_bytes());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("circles-infra apply"), "{said:?}");
    let after = world.held(CONFIG).await;
    assert_eq!(after[API], json!(value));
    for (key, kept) in &before {
        assert_eq!(&after[key], kept, "{key}");
    }
    // The container gets the key with the next apply; another value needs none.
    let plan = world.expect(&["plan", "--detailed-exitcode"], 2);
    assert!(plan.out.contains("app/task-definition"), "{}", plan.out);
    world.expect(&["apply", "--yes"], 0);
    world.expect(&["plan", "--detailed-exitcode"], 0);
    let listed = world.expect(&["secrets", "list"], 0);
    let line = listed.out.lines().find(|line| line.contains(API));
    assert!(
        line.is_some_and(|line| line.ends_with(" set")),
        "{listed:?}"
    );
    assert!(!listed.all().contains("quotes"), "{listed:?}");
    // Nothing given: the live value stays.
    for arguments in [
        vec!["secrets", "set", API],
        vec!["secrets", "set", API, "--from-env", "CIRCLES_NO_SUCH"],
    ] {
        let said = world.expect(&arguments, 0);
        assert!(said.out.contains("keeps its live value"), "{said:?}");
    }
    assert_eq!(world.held(CONFIG).await, after);
    let mut command = world.command(&["secrets", "set", API, "--from-env", "MINE"]);
    let said = Said::of(&command.env("MINE", "other").output().expect("it runs"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("redeploy"), "{said:?}");
    assert_eq!(world.held(CONFIG).await[API], json!("other"));
    world.expect(&["plan", "--detailed-exitcode"], 0);
    world.expect(&["secrets", "unset", API], 0);
    assert_eq!(world.held(CONFIG).await, before);
    world.expect(&["secrets", "unset", API], 0);
    world.expect(&["apply", "--yes"], 0);
    assert_eq!(
        world.held(CONFIG).await,
        before,
        "an apply brings nothing back"
    );
    world.expect(&["drift", "--detailed-exitcode"], 0);
    world.expect(&["destroy", "--yes"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_keeps_the_old_key_beside() {
    let world = Standing::circles();
    let before = world.held(CONFIG).await;
    world.expect(&["secrets", "rotate", JWT, "APP_METRICS_TOKEN"], 0);
    let once = world.held(CONFIG).await;
    let previous = format!("{JWT}_PREVIOUS");
    assert_eq!(once[&previous], before[JWT]);
    assert_ne!(once[JWT], before[JWT]);
    assert_eq!(once[JWT].as_str().map(str::len), Some(48));
    assert_ne!(once["APP_METRICS_TOKEN"], before["APP_METRICS_TOKEN"]);
    world.expect(&["apply", "--yes"], 0);
    world.expect(&["secrets", "rotate", JWT], 0);
    let twice = world.held(CONFIG).await;
    assert_eq!(twice[&previous], once[JWT]);
    world.expect(&["apply", "--yes"], 0);
    assert_eq!(world.held(CONFIG).await, twice, "an apply keeps both");
    for (key, word) in [
        ("password", "take turns"),
        ("S3_BUCKET", "stack file"),
        (API, "secrets set"),
    ] {
        let said = world.expect(&["secrets", "rotate", key], 1);
        assert!(said.err.contains(word), "{said:?}");
    }
    // A database's URL is a matter of its own: with others at once it is refused, and so it is where no task can run.
    let two = ["secrets", "rotate", "APP_DATABASE_URL", JWT];
    let said = world.expect(&two, 64);
    assert!(said.err.contains("rotated by itself"), "{said:?}");
    let said = world.expect(&["secrets", "rotate", "APP_DATABASE_URL"], 1);
    assert!(
        said.err.contains("the rotation failed") && said.err.contains("the URL is as it was"),
        "{said:?}"
    );
    assert_eq!(world.held(CONFIG).await, twice);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_write_at_once_lose_nothing() {
    let world = Standing::of(KEYS);
    let seed = world.held("keys/config").await["SEED"].clone();
    let keys = ["A", "B", "C", "D", "E", "F"];
    // Each with a state folder of its own, so no lease holds them apart; and an answer late enough for the others to slip in between.
    let late = json!({"kind": "delay", "seconds": 0.4, "service": "secretsmanager", "action": "PutSecretValue"});
    world.aws.control("POST", "faults", &late).await;
    let folders: Vec<_> = keys
        .iter()
        .map(|_| tempfile::tempdir().expect("a folder"))
        .collect();
    let children: Vec<_> = keys
        .iter()
        .zip(&folders)
        .map(|(key, folder)| {
            let mut command = world.command_of(folder.path(), &["secrets", "set", key]);
            fed(&mut command, key.as_bytes())
        })
        .collect();
    for child in children {
        let said = Said::of(&child.wait_with_output().expect("its end"));
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let held = world.held("keys/config").await;
    assert_eq!(held["SEED"], seed);
    for key in keys {
        assert_eq!(held[key], json!(key), "{held:?}");
    }
    let (calls, _) = world.aws.calls(0).await;
    let puts = calls
        .iter()
        .filter(|call| call.action == "PutSecretValue")
        .count();
    assert!(puts > keys.len(), "nobody was overtaken: {puts} puts");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_state_is_changed_by_one_at_a_time() {
    let world = Standing::of(KEYS);
    let late = json!({"kind": "delay", "seconds": 1.5, "service": "secretsmanager", "action": "PutSecretValue", "nth": 1});
    world.aws.control("POST", "faults", &late).await;
    let first = fed(&mut world.command(&["secrets", "set", "A"]), b"a");
    wait_for(|| {
        world
            .files()
            .iter()
            .any(|(_, text)| text.contains("secrets set A"))
    });
    let busy = world.feed(&["secrets", "set", "B"], b"b");
    assert_eq!(busy.code, Some(75), "{busy:?}");
    let patient = world.feed(&["secrets", "set", "B", "--lock-timeout", "30s"], b"b");
    assert_eq!(patient.code, Some(0), "{patient:?}");
    let first = Said::of(&first.wait_with_output().expect("its end"));
    assert_eq!(first.code, Some(0), "{first:?}");
    let held = world.held("keys/config").await;
    assert_eq!((&held["A"], &held["B"]), (&json!("a"), &json!("b")));
}

fn wait_for(done: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < patience, "it does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_kills_leave_the_old_value_or_the_new_one() {
    let world = Standing::of(KEYS);
    for (round, action) in ["PutSecretValue", "UpdateSecretVersionStage"]
        .iter()
        .cycle()
        .take(4)
        .enumerate()
    {
        let kind = if round < 2 { "lose" } else { "drop" };
        let fault = json!({"kind": kind, "service": "secretsmanager", "action": action, "nth": 1});
        world.aws.control("POST", "faults", &fault).await;
        let value = format!("value {round}");
        let said = world.feed(&["secrets", "set", "A"], value.as_bytes());
        assert_eq!(said.code, Some(0), "{kind} {action}: {said:?}");
        assert_eq!(world.held("keys/config").await["A"], json!(value));
        world.aws.control("DELETE", "faults", &json!(null)).await;
    }
    for action in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let before = world.held("keys/config").await;
        let slow = json!({"kind": "late", "seconds": 3, "service": "secretsmanager", "action": action, "nth": 1});
        world.aws.control("POST", "faults", &slow).await;
        let mut child = fed(
            &mut world.command(&["secrets", "set", "B"]),
            action.as_bytes(),
        );
        wait_for(|| {
            world
                .files()
                .iter()
                .any(|(path, text)| path.ends_with("journal.jsonl") && text.contains(action))
        });
        child.kill().expect("a killed child");
        child.wait().expect("its end");
        world.aws.control("DELETE", "faults", &json!(null)).await;
        let mut after = world.held("keys/config").await;
        after.remove("B");
        let mut expected = before.clone();
        expected.remove("B");
        assert_eq!(after, expected, "killed at {action}");
        let said = world.feed(&["secrets", "set", "B"], action.as_bytes());
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(world.held("keys/config").await["B"], json!(action));
        world.expect(&["plan", "--detailed-exitcode"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_and_not_repeated() {
    let world = Standing::of(KEYS);
    let before = world.held("keys/config").await;
    let large = vec![b'x'; 70 * 1024];
    for (input, word) in [
        (&b"hunter2\0hunter2"[..], "NUL"),
        (b"hunter2\xff\xfe", "UTF-8"),
        (&large, "71680 bytes"),
    ] {
        let said = world.feed(&["secrets", "set", "A"], input);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(word), "{said:?}");
        assert!(!said.all().contains("hunter2"), "{said:?}");
    }
    // Two that fit alone, and not together.
    let half = vec![b'x'; 40 * 1024];
    assert_eq!(world.feed(&["secrets", "set", "A"], &half).code, Some(0));
    let said = world.feed(&["secrets", "set", "B"], &half);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("65536"), "{said:?}");
    world.expect(&["secrets", "unset", "A"], 0);
    for arguments in [
        &["secrets", "set", "A", "hunter2"][..],
        &["secrets", "set", "A=hunter2"],
        &["secrets", "set", "A", "--value=hunter2"],
        &["secrets", "set", "A", "--hunter2"],
        &["secrets", "set", "sk-hunter2/x"],
    ] {
        let said = world.expect(arguments, 64);
        assert!(!said.all().contains("hunter2"), "{said:?}");
    }
    let said = world.expect(&["secrets", "set", "NEEDED"], 1);
    assert!(said.err.contains("has to be set"), "{said:?}");
    let said = world.expect(&["secrets", "set", "NEEDE"], 64);
    assert!(said.err.contains("NEEDED meant?"), "{said:?}");
    world.expect(&["secrets", "unset", "SEED"], 1);
    world.expect(&["secrets", "get", "SEED"], 1);
    let said = world.expect(&["secrets", "get", "SEED", "--reveal"], 1);
    assert!(said.err.contains("terminal"), "{said:?}");
    assert!(!said.all().contains(before["SEED"].as_str().expect("text")));
    assert_eq!(world.held("keys/config").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_shown_on_a_terminal() {
    let world = Standing::of(KEYS);
    let said = world.feed(&["secrets", "set", "A"], b"shown\x1b[2J%\"\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    let plain = world.command(&["secrets", "get", "A", "--reveal"]);
    let mut on_terminal =
        Command::new(std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into()));
    on_terminal
        .args([
            "-c",
            "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
        ])
        .arg(plain.get_program())
        .args(plain.get_args())
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null());
    let said = Said::of(&on_terminal.output().expect("a terminal"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("shown\u{fffd}[2J%\""), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_its_recovery_window_comes_back_first() {
    let world = Standing::of(KEYS);
    assert_eq!(world.feed(&["secrets", "set", "A"], b"a").code, Some(0));
    let client = world.secrets().await;
    let delete = client.delete_secret().secret_id("keys/config");
    delete
        .recovery_window_in_days(7)
        .send()
        .await
        .expect("a deleted secret");
    let said = world.feed(&["secrets", "set", "A"], b"other");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("recovery window"), "{said:?}");
    let listed = world.expect(&["secrets", "list"], 0);
    assert!(listed.out.contains("can be restored"), "{listed:?}");
    world.expect(&["apply", "--yes"], 0);
    assert_eq!(world.held("keys/config").await["A"], json!("a"));
    assert_eq!(world.feed(&["secrets", "set", "A"], b"other").code, Some(0));
    assert_eq!(world.held("keys/config").await["A"], json!("other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_is_no_hindrance() {
    let world = Standing::of(KEYS);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = world.command_of(elsewhere.path(), &["secrets", "set", "A"]);
    let said = feed(&mut command, b"a");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.held("keys/config").await["A"], json!("a"));
    world.expect(&["plan", "--detailed-exitcode"], 0);
}
