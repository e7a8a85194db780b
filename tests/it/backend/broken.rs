//! States, journals, buckets and tables that are not as they should be: each a clear error, nothing lost, and the next run goes on.

use std::path::PathBuf;

use super::*;

/// The file of that name below a machine's folder.
fn file(world: &World, machine: &str, name: &str) -> PathBuf {
    let root = world.folder.path().join(machine).join("state");
    let mut folders = std::fs::read_dir(root).expect("the state folder");
    let folder = folders.next().expect("a state").expect("an entry").path();
    folder.join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_state_file_is_refused_and_can_be_thrown_away() {
    let world = World::new(&small("{ backend: local }"));
    world.expect("ann", &["apply", "--yes"], 0);
    let path = file(&world, "ann", "state.json");
    let good = std::fs::read_to_string(&path).expect("the state");
    let made = world.made().await;
    let id = "\"id\":\"/shop/0\"";
    assert!(good.contains(id), "{good}");
    // Of before there were checksums: an edit shows by what it breaks.
    let old = of_format_1(&good);
    for (text, words) in [
        (good[..good.len() / 2].to_owned(), "is damaged"),
        (String::new(), "it is empty"),
        ("{}".to_owned(), "missing field `format`"),
        ("no JSON at all".to_owned(), "is damaged"),
        (
            good.replacen("\"format\":2", "\"format\":3", 1),
            "newer circles-infra",
        ),
        (old.replacen("\"format\":1", "\"format\":0", 1), "format 0"),
        (
            good.replacen(id, "\"id\":\"/shop/9\"", 1),
            "its checksum does not fit",
        ),
        (
            old.replacen("\"stack\":\"shop\"", "\"stack\":\"else\"", 1),
            "is the state of",
        ),
        (old.replacen("us-east-1", "eu-west-1", 1), "is the state of"),
        (
            old.replacen(id, "\"id\":\"/shop/1\"", 1),
            "breaks invariant 1",
        ),
        (old.replacen(id, "\"id\":\"\"", 1), "breaks invariant 2"),
        (
            old.replacen("\"generation\":1", "\"generation\":0", 1),
            "breaks invariant 3",
        ),
    ] {
        assert!(text != good && text != old, "{words}");
        std::fs::write(&path, &text).expect("a written state");
        for arguments in [&["plan"][..], &["apply", "--yes"], &["state", "list"]] {
            let said = world.expect("ann", arguments, 1);
            assert!(
                said.contains(words) && said.contains("state.json"),
                "{words}: {said}"
            );
        }
        let there = std::fs::read_to_string(&path).expect("the state");
        assert_eq!(there, text, "left for whoever wants to look at it");
    }
    std::fs::remove_file(&path).expect("a removed state");
    world.expect("ann", &["apply", "--yes"], 0);
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    assert_eq!(world.made().await, made, "nothing was made again");
}

/// A state as it was written when 1 was the format.
fn of_format_1(state: &str) -> String {
    let (_, rest) = state.split_once("\"serial\"").expect("a serial");
    format!("{{\"format\":1,\"serial\"{rest}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_an_older_format_is_read_and_written_anew() {
    let world = World::new(&small("{ backend: local }"));
    world.expect("ann", &["apply", "--yes"], 0);
    let path = file(&world, "ann", "state.json");
    let old = of_format_1(&std::fs::read_to_string(&path).expect("the state"));
    std::fs::write(&path, &old).expect("a written state");
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    let there = std::fs::read_to_string(&path).expect("the state");
    assert_eq!(there, old, "looking writes nothing");
    world.expect("ann", &["state", "mv", "logs0", "renamed"], 0);
    let there = std::fs::read_to_string(&path).expect("the state");
    assert!(there.starts_with("{\"format\":2,"), "{there}");
    let previous = file(&world, "ann", "state.previous.json");
    let previous = std::fs::read_to_string(previous).expect("the state before");
    assert_eq!(previous, old, "as it was");
    assert_eq!(world.made().await, GROUPS, "nothing was made again");
}

/// The program with files that may not grow beyond so many KB: as a full disk, without one.
fn cramped(world: &World, kilobytes: u32, arguments: &[&str]) -> Command {
    let run = world.command("ann", arguments);
    let mut limited = Command::new("bash");
    limited
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\""
        ))
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(world.folder.path().join("ann"))
        .stdin(Stdio::null());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_a_run_and_the_next_goes_on() {
    let world = World::new(&small("{ backend: local }"));
    // The journal may grow to 4 KB, and then not by another byte, in the middle of a line.
    let mut run = cramped(&world, 4, &["apply", "--yes", "--parallelism", "1"]);
    let output = run.output().expect("the program runs");
    let said = super::said(&output, "on a full disk", 1);
    assert!(
        said.contains("journal.jsonl") && said.contains("File too large"),
        "{said}"
    );
    let made = world.made().await;
    assert!((1..GROUPS).contains(&made), "{made} made");
    world.expect("ann", &["apply", "--yes"], 0);
    assert_eq!(world.made().await, GROUPS, "what was made was found again");
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_in_the_middle_of_the_state_leaves_the_old_one() {
    let world = World::new(&small("{ backend: local }"));
    world.expect("ann", &["apply", "--yes"], 0);
    let path = file(&world, "ann", "state.json");
    let before = std::fs::read(&path).expect("the state");
    assert!(before.len() > 2048, "{} bytes", before.len());
    // A journal of one change is shorter than that, so it is the state that has no room.
    let mut run = cramped(&world, 2, &["state", "mv", "logs0", "renamed"]);
    let output = run.output().expect("the program runs");
    let said = super::said(&output, "on a full disk", 1);
    assert!(
        said.contains("state.json") && said.contains("there is no room for it"),
        "{said}"
    );
    assert_eq!(std::fs::read(&path).expect("the state"), before);
    // What was done stands in the journal.
    let list = world.expect("ann", &["state", "list"], 0);
    assert!(list.contains("renamed"), "{list}");
    world.expect("ann", &["state", "mv", "renamed", "logs0"], 0);
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_keep_a_state_is_refused_before_anything_is_made() {
    let world = World::new(&small(IN_S3));
    let s3 = world.s3().await;
    s3.create_bucket()
        .bucket("shop-states")
        .send()
        .await
        .expect("a bucket");
    let said = world.expect("ann", &["apply", "--yes"], 1);
    assert!(
        said.contains("keeps no versions") && said.contains("state bootstrap"),
        "{said}"
    );
    world.expect("ann", &["state", "bootstrap"], 0);

    world.stack(&small(
        "{ backend: s3, bucket: shop-states, region: eu-west-1 }",
    ));
    let said = world.expect("ann", &["apply", "--yes"], 1);
    assert!(said.contains("is in us-east-1, not in eu-west-1"), "{said}");

    world.stack(&small(IN_S3));
    world
        .aws
        .allow(Some(&["logs:*", "ec2:Describe*", "tag:*", "s3:ListBucket"]))
        .await;
    let said = world.expect("ann", &["apply", "--yes"], 1);
    assert!(
        said.contains("may not s3:Get") && said.contains("s3://shop-states/"),
        "{said}"
    );
    world.aws.allow(None).await;
    assert_eq!(world.made().await, 0);
    // S3 may ask to send a conditional write again.
    let fault = json!({"kind": "refuse", "service": "s3", "action": "PutObject", "every": 3, "status": 409, "code": "ConditionalRequestConflict"});
    world.aws.control("POST", "faults", &fault).await;
    world.expect("ann", &["apply", "--yes"], 0);
    world.quick().await;
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_somebody_edited_are_named() {
    let world = World::in_s3();
    world.expect("ann", &["apply", "--yes"], 0);
    let state = world.object("/state.json").await;
    for (text, words) in [
        ("", "it is empty"),
        ("{\"format\":1", "is damaged"),
        ("{\"format\":7}", "newer circles-infra"),
    ] {
        world.put(&state, text).await;
        let said = world.expect("ann", &["plan"], 1);
        assert!(
            said.contains(words) && said.contains(&format!("s3://shop-states/{state}")),
            "{said}"
        );
    }
    world
        .s3()
        .await
        .delete_object()
        .bucket("shop-states")
        .key(&state)
        .send()
        .await
        .expect("a deleted state");
    // A lock made by hand is told of, watched, and taken.
    let lock = world.object("/lock.json").await;
    world.put(&lock, "do not touch! ann").await;
    let said = world.expect("bob", &["apply", "--yes"], 0);
    assert!(said.contains("was not written by circles-infra"), "{said}");
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_kept_beside_and_made_anew() {
    let world = World::in_s3();
    world.expect("ann", &["apply", "--yes"], 0);
    let state = world.object("/state.json").await;
    for text in ["", "{\"format\":1"] {
        world.put(&state, text).await;
        let said = world.expect("ann", &["apply", "--yes"], 1);
        assert!(said.contains("circles-infra state rebuild"), "{said}");
        let said = world.expect("ann", &["state", "rebuild"], 0);
        let (_, kept) = said
            .split_once("kept as s3://shop-states/")
            .expect("a place");
        let (kept, rest) = kept.split_once(' ').expect("words behind it");
        assert!(rest.contains("as an older version of"), "{said}");
        assert_eq!(world.text_of(kept).await, text);
        world.expect("bob", &["plan", "--detailed-exitcode"], 0);
    }
    world.put(&state, "{\"format\":7}").await;
    let said = world.expect("ann", &["state", "rebuild"], 1);
    assert!(said.contains("newer circles-infra"), "{said}");
    assert_eq!(world.made().await, GROUPS, "nothing was made again");
}

/// A run that died has left its lease, and its state was damaged since.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_of_a_dead_run_is_made_anew_too() {
    let world = World::in_s3();
    world.expect("ann", &["apply", "--yes"], 0);
    let state = world.object("/state.json").await;
    world.put(&state, "{\"oops").await;
    let lock = world.object("/lock.json").await;
    world.put(&lock, "left by somebody").await;
    let mut rebuild = world.command("bob", &["state", "rebuild"]);
    let output = rebuild.env("CIRCLES_LEASE", "2s").output();
    let said = super::said(&output.expect("the program runs"), "bob", 0);
    assert!(said.contains("state.damaged-"), "{said}");
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_another_key_is_refused() {
    let world = World::new(&small(
        "{ backend: s3, bucket: shop-states, lock: { dynamodb: shop-orders } }",
    ));
    let config = world.aws.config().await;
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    aws_sdk_dynamodb::Client::new(&config)
        .create_table()
        .table_name("shop-orders")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(
            KeySchemaElement::builder()
                .attribute_name("Order")
                .key_type(KeyType::Hash)
                .build()
                .expect("a key"),
        )
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("Order")
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect("an attribute"),
        )
        .send()
        .await
        .expect("a table");
    let said = world.expect("ann", &["state", "bootstrap"], 1);
    assert!(said.contains("the table's key is Order"), "{said}");
    let said = world.expect("ann", &["apply", "--yes"], 1);
    assert!(said.contains("has to be `LockID`"), "{said}");
    assert_eq!(world.made().await, 0);
}
