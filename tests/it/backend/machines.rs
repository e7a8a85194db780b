//! Two machines, one state: killed, paused, at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_machine_began_another_finishes() {
    let world = World::in_s3();
    world.slow(0.3).await;
    let mut first = world.start("ann", &["apply", "--yes", "--parallelism", "2"]);
    world.until_made(3).await;
    first.kill().expect("a killed child");
    first.wait().expect("an ended child");
    world.quick().await;
    let said = world.expect("ci", &["apply", "--yes"], 0);
    assert!(said.contains("ann@"), "who held it is named: {said}");
    world.expect("ci", &["plan", "--detailed-exitcode"], 0);
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
    assert!(world.made().await <= GROUPS + 2, "{}", world.made().await);
    let history = world.expect("bob", &["history"], 0);
    assert!(
        history.contains("ann@") && history.contains("ci@"),
        "{history}"
    );
    world.expect("bob", &["destroy", "--yes"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_machine_is_shut_out() {
    shut_out(&World::in_s3()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_machine_is_shut_out_by_a_table_too() {
    let world = World::new(&small(IN_TABLE));
    world.expect("ann", &["state", "bootstrap"], 0);
    shut_out(&world).await;
}

/// Paused past its lease, while another takes over and finishes, and let go.
async fn shut_out(world: &World) {
    world.slow(0.3).await;
    let first = world.start("ann", &["apply", "--yes", "--parallelism", "1"]);
    world.until_made(2).await;
    signal(&first, "-STOP");
    let paused_at = world.made().await;
    world.quick().await;
    world.expect("ci", &["apply", "--yes"], 0);
    let after = world.inventory().await;
    let made = world.made().await;
    let state = world.object("/state.json").await;
    let version = etag(world, &state).await;
    let runs = world.expect("ci", &["--quiet", "history"], 0);
    signal(&first, "-CONT");
    let output = first.wait_with_output().expect("the first run's end");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_ne!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("taken over") || text.contains("lease") || text.contains("somebody else"),
        "{text}"
    );
    // At most what was in flight when it was paused.
    assert!(
        world.made().await <= made.max(paused_at + 1) + 1,
        "{} then {}",
        made,
        world.made().await
    );
    assert_eq!(world.inventory().await, after, "nothing was changed");
    assert_eq!(etag(world, &state).await, version, "nor overwritten");
    assert_eq!(world.expect("ci", &["--quiet", "history"], 0), runs);
    world.expect("ci", &["plan", "--detailed-exitcode"], 0);
    world.expect("ci", &["destroy", "--yes"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_machine_that_nobody_replaced_goes_on() {
    for state in [IN_S3, IN_TABLE] {
        let world = World::new(&small(state));
        world.expect("ann", &["state", "bootstrap"], 0);
        world.slow(0.3).await;
        let run = &["apply", "--yes", "--parallelism", "1"];
        let first = world
            .command("ann", run)
            .env("CIRCLES_LEASE", "1s")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        world.until_made(2).await;
        signal(&first, "-STOP");
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.quick().await;
        signal(&first, "-CONT");
        let output = first.wait_with_output().expect("the run's end");
        super::said(&output, "its lease ran out, and it renewed it", 0);
        world.expect("bob", &["plan", "--detailed-exitcode"], 0);
        assert!(world.made().await <= GROUPS + 1, "{}", world.made().await);
    }
}

async fn etag(world: &World, name: &str) -> String {
    let answer = world
        .s3()
        .await
        .head_object()
        .bucket("shop-states")
        .key(name)
        .send()
        .await
        .expect("the state");
    answer.e_tag().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_works_and_the_other_waits_or_says_who() {
    let world = World::in_s3();
    world.slow(0.8).await;
    let first = world.start("ann", &["apply", "--yes", "--parallelism", "1"]);
    world.until_made(1).await;
    let refused = world.expect("bob", &["apply", "--yes"], 75);
    assert!(
        refused.contains("ann@") && refused.contains("(apply, process"),
        "{refused}"
    );
    // Looking needs no lease.
    world.expect("bob", &["plan", "--detailed-exitcode"], 2);
    let waited = world.expect("bob", &["--lock-timeout", "5m", "apply", "--yes"], 0);
    assert!(waited.contains("ann@"), "{waited}");
    let output = first.wait_with_output().expect("the first run's end");
    super::said(&output, "ann", 0);
    assert_eq!(world.made().await, GROUPS, "nothing was made twice");
    // Both gave their leases back: nobody has to be waited for.
    let since = Instant::now();
    world.expect("ci", &["destroy", "--yes"], 0);
    assert!(
        !world
            .expect("ci", &["apply", "--yes"], 0)
            .contains("waiting"),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_can_be_kept_in_a_table() {
    let world = World::new(&small(IN_TABLE));
    let said = world.expect("ann", &["state", "bootstrap"], 0);
    assert!(said.contains("made the table shop-locks"), "{said}");
    world.slow(0.8).await;
    let mut first = world.start("ann", &["apply", "--yes", "--parallelism", "1"]);
    world.until_made(1).await;
    let refused = world.expect("bob", &["apply", "--yes"], 75);
    assert!(refused.contains("ann@"), "{refused}");
    first.kill().expect("a killed child");
    first.wait().expect("an ended child");
    world.quick().await;
    world.expect("bob", &["apply", "--yes"], 0);
    let (calls, _) = world.aws.calls(0).await;
    assert!(
        calls
            .iter()
            .any(|call| call.service == "dynamodb" && call.action == "PutItem")
    );
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    // Another table of the same team's, made for something else.
    world.stack(&small(
        "{ backend: s3, bucket: shop-states, lock: { dynamodb: no-such-table } }",
    ));
    let refused = world.expect("ann", &["apply", "--yes"], 1);
    assert!(
        refused.contains("there is no table no-such-table"),
        "{refused}"
    );
}

/// S3's calls for the state of an apply from nothing, by finished resource: at most two.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_a_bucket_costs_few_calls() {
    let text = include_str!("../../../stacks/circles.yaml");
    let world = World::new(&format!("{text}\nstate: {IN_S3}\n"));
    world.expect("ann", &["state", "bootstrap"], 0);
    let (_, before) = world.aws.calls(0).await;
    world.expect("ann", &["apply", "--yes"], 0);
    let (calls, _) = world.aws.calls(before).await;
    let of_state: Vec<&str> = calls
        .iter()
        .filter(|call| call.service == "s3")
        .map(|call| call.action.as_str())
        .filter(|action| {
            matches!(
                *action,
                "GetObject"
                    | "PutObject"
                    | "ListObjectsV2"
                    | "DeleteObjects"
                    | "GetBucketVersioning"
            )
        })
        .collect();
    let rows = world.expect("ann", &["state", "list", "--json"], 0);
    let resources = rows.matches("\"address\"").count();
    let each = of_state.len() as f64 / resources as f64;
    println!(
        "{} calls for the state of {resources} resources: {each:.2} each",
        of_state.len()
    );
    assert!(resources > 25 && each <= 2.0, "{each:.2}: {of_state:?}");
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
    world.expect("bob", &["state", "rebuild"], 0);
}
