//! Making the bucket, and moving a state into it and out again.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_made_once_and_as_it_should_be() {
    let world = World::new(&small(IN_S3));
    let refused = world.expect("ann", &["apply", "--yes"], 1);
    assert!(
        refused.contains("there is no bucket shop-states") && refused.contains("state bootstrap"),
        "{refused}"
    );
    assert_eq!(world.made().await, 0);
    let said = world.expect("ann", &["state", "bootstrap"], 0);
    assert!(said.contains("made the bucket shop-states"), "{said}");
    assert!(!said.contains("left as somebody set it"), "{said}");
    let again = world.expect("ann", &["state", "bootstrap"], 0);
    assert!(!again.contains('+'), "{again}");
    let s3 = world.s3().await;
    let versioning = s3
        .get_bucket_versioning()
        .bucket("shop-states")
        .send()
        .await
        .expect("versioning");
    assert_eq!(versioning.status().map(|s| s.as_str()), Some("Enabled"));
    let policy = s3
        .get_bucket_policy()
        .bucket("shop-states")
        .send()
        .await
        .expect("a policy");
    assert!(
        policy
            .policy()
            .is_some_and(|text| text.contains("aws:SecureTransport"))
    );
    let rules = s3
        .get_bucket_lifecycle_configuration()
        .bucket("shop-states")
        .send()
        .await
        .expect("rules");
    assert_eq!(rules.rules().len(), 1);
    // No part of the stack: it is neither planned nor a stray, and a destroy leaves it.
    world.expect("ann", &["apply", "--yes"], 0);
    world.expect("ann", &["drift", "--detailed-exitcode"], 0);
    world.expect("ann", &["destroy", "--yes"], 0);
    s3.head_bucket()
        .bucket("shop-states")
        .send()
        .await
        .expect("the bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_moves_to_a_bucket_and_back() {
    let world = World::new(&small("{ backend: local }"));
    world.expect("ann", &["apply", "--yes"], 0);
    let list = world.expect("ann", &["--quiet", "state", "list", "--json"], 0);
    let history = world.expect("ann", &["--quiet", "history"], 0);
    world.stack(&small(IN_S3));
    world.expect("ann", &["state", "bootstrap"], 0);
    let said = world.expect("ann", &["state", "migrate", "--to", "s3"], 0);
    assert!(
        said.contains(&format!("{GROUPS} resources and 1 runs")) && said.contains("read it back"),
        "{said}"
    );
    // From any machine now, and with its past.
    assert_eq!(
        world.expect("bob", &["--quiet", "state", "list", "--json"], 0),
        list
    );
    assert_eq!(world.expect("bob", &["--quiet", "history"], 0), history);
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
    let again = world.expect("ann", &["state", "migrate", "--to", "s3"], 1);
    assert!(again.contains("it is in the new place already"), "{again}");
    let back = world.folder.path().join("back");
    let to = format!("local:{}", back.display());
    world.expect("bob", &["state", "migrate", "--to", &to], 0);
    let local = format!("{{ backend: local, path: {} }}", back.display());
    world.stack(&small(&local));
    let mut list_there = world.command("bob", &["--quiet", "state", "list", "--json"]);
    let output = list_there
        .env_remove("CIRCLES_STATE_DIR")
        .output()
        .expect("the program runs");
    assert_eq!(super::said(&output, "bob", 0), list);
    // The bucket's copy is put aside, not deleted.
    world.stack(&small(IN_S3));
    assert!(
        !world
            .expect("bob", &["--quiet", "state", "list", "--json"], 0)
            .contains("address")
    );
    assert!(world.object("/state.json").await.contains(".moved-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_never_moved_over_another() {
    let world = World::in_s3();
    world.expect("ann", &["apply", "--yes"], 0);
    world.stack(&small("{ backend: local }"));
    // Everything is found again by its tags, and remembered here too.
    world.expect("ann", &["state", "rebuild"], 0);
    let refused = world.expect(
        "ann",
        &["state", "migrate", "--to", "s3://shop-states/shop"],
        1,
    );
    assert!(refused.contains("holds another state"), "{refused}");
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    world.stack(&small(IN_S3));
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_verbs_work_on_a_bucket() {
    let world = World::in_s3();
    world.expect("ann", &["apply", "--yes"], 0);
    world.expect("ann", &["state", "mv", "logs0", "renamed"], 0);
    let list = world.expect("bob", &["state", "list"], 0);
    assert!(
        list.contains("renamed") && !list.contains("logs0"),
        "{list}"
    );
    world.expect("bob", &["state", "mv", "renamed", "logs0"], 0);
    world.expect("bob", &["state", "rm", "logs1"], 0);
    let said = world.expect("ann", &["state", "import", "logs1", "/shop/1"], 0);
    assert!(said.contains("is managed at logs1"), "{said}");
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    let state = world.object("/state.json").await;
    world
        .s3()
        .await
        .delete_object()
        .bucket("shop-states")
        .key(&state)
        .send()
        .await
        .expect("a deleted state");
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
    let rebuilt = world.expect("ann", &["state", "rebuild"], 0);
    assert!(rebuilt.contains(&format!("{GROUPS} adopted")), "{rebuilt}");
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
}
