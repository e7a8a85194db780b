//! A deploy that does not see its own end.

use super::*;

/// Starts a deploy, and waits until the service is being rolled.
async fn half_way(shop: &Shop, path: &str) -> Child {
    let before = shop.service().await.task_definition;
    // Nothing becomes ready until the clock is let go, however slow this machine is.
    shop.clock(60.0).await;
    let child = shop
        .command(&["deploy", "--image", path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a deploy");
    let patience = Instant::now() + Duration::from_secs(30);
    while shop.service().await.task_definition == before {
        assert!(Instant::now() < patience, "the roll-out did not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_the_next_one_says_where_it_stands_and_goes_on() {
    let shop = Shop::open().await;
    let (_, first) = shop.archive("first");
    shop.expect(&["deploy", "--image", &first], 0);
    let (second, path) = shop.archive("second");
    let mut child = half_way(&shop, &path).await;
    child.kill().expect("a killed deploy");
    child.wait().expect("an ended deploy");
    let revision = shop.service().await.task_definition;
    let said = shop.expect(&["status"], 0);
    assert!(
        said.contains("circles-infra deploy goes on from there"),
        "{said}"
    );
    let said = shop.nothing_to_do();
    assert!(said.contains("an apply leaves it at that"), "{said}");
    let going_on = shop
        .command(&["deploy"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a deploy");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    shop.clock(0.0).await;
    let output = going_on.wait_with_output().expect("its end");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("is being rolled out") && said.contains("going on with it"),
        "{said}"
    );
    assert!(shop.image().await.ends_with(&second.digest()));
    assert_eq!(
        shop.service().await.task_definition,
        revision,
        "registered once"
    );
    shop.nothing_to_do();
    let history = shop.expect(&["history"], 0);
    assert!(history.contains("deploy release-"), "{history}");
}

/// Killed after each journalled call: the next deploy of the same archive, or none at all, ends well.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_the_next_one_finishes() {
    let shop = Shop::open().await;
    for (number, action) in ["RegisterTaskDefinition", "UpdateService"]
        .into_iter()
        .enumerate()
    {
        for late in [false, true] {
            let (image, path) = shop.archive(&format!("image-{number}-{late}"));
            let fault = json!({"kind": if late { "late" } else { "delay" }, "service": "ecs", "action": action,
                               "seconds": 3, "nth": 1});
            shop.aws.control("POST", "faults", &fault).await;
            let (_, since) = shop.aws.calls(0).await;
            let mut child = shop
                .command(&["deploy", "--image", &path])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a deploy");
            let patience = Instant::now() + Duration::from_secs(30);
            while !journal(&shop).contains(&format!("\"ecs:{action}\"")) {
                assert!(Instant::now() < patience, "{action} was not sent ({since})");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            child.kill().expect("a killed deploy");
            child.wait().expect("an ended deploy");
            tokio::time::sleep(Duration::from_millis(3200)).await;
            shop.aws.control("DELETE", "faults", &Json::Null).await;
            for _ in 0..10 {
                shop.service().await;
            }
            shop.nothing_to_do();
            shop.expect(&["deploy"], 0);
            assert!(
                shop.image().await.ends_with(&image.digest()),
                "{action} {late}"
            );
            shop.nothing_to_do();
        }
    }
}

/// The journal of the run that is under way.
pub fn journal(shop: &Shop) -> String {
    let mut text = String::new();
    for path in files(&shop.path("state")) {
        if path.ends_with("journal.jsonl") {
            text = std::fs::read_to_string(path).unwrap_or_default();
        }
    }
    text
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

/// Interrupts a deploy; what it said.
fn ctrl_c(child: Child) -> String {
    let id =
        rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("an id");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("a signal");
    let output = child.wait_with_output().expect("its end");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_passes_over_what_never_ran() {
    let shop = Shop::open().await;
    let (good, path) = shop.archive("good");
    shop.expect(&["deploy", "--image", &path], 0);
    // Nobody watches how it fails.
    let (crashing, path) = shop.archive("crashing");
    shop.behaves(&crashing, "crashes", &[]).await;
    ctrl_c(half_way(&shop, &path).await);
    shop.clock(0.0).await;
    let patience = Instant::now() + Duration::from_secs(30);
    while !shop.image().await.ends_with(&good.digest()) {
        assert!(Instant::now() < patience, "ECS did not go back");
    }
    for _ in 0..10 {
        shop.service().await;
    }
    // Only registered, by somebody else.
    super::outside::register_by_hand(&shop, &format!("{REPOSITORY}:never"), &[]).await;
    let (_, path) = shop.archive("better");
    let said = shop.expect(&["deploy", "--image", &path], 0);
    assert!(said.contains("did not come to run"), "{said}");
    let table = shop.expect(&["releases"], 0);
    assert_eq!(table.matches("given up").count(), 1, "{table}");
    let said = shop.expect(&["rollback"], 0);
    assert!(!said.contains("is not known to have run"), "{said}");
    assert!(shop.image().await.ends_with(&good.digest()), "{said}");
    shop.nothing_to_do();
    shop.forget_state();
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_the_roll_out_to_ecs() {
    let shop = Shop::open().await;
    let (_, first) = shop.archive("first");
    shop.expect(&["deploy", "--image", &first], 0);
    let (second, path) = shop.archive("second");
    let said = ctrl_c(half_way(&shop, &path).await);
    assert!(said.contains("ECS carries it on by itself"), "{said}");
    shop.clock(0.0).await;
    for _ in 0..10 {
        shop.service().await;
    }
    assert!(shop.image().await.ends_with(&second.digest()));
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_deleted_meanwhile_is_told() {
    let shop = Shop::open().await;
    let (_, first) = shop.archive("first");
    shop.expect(&["deploy", "--image", &first], 0);
    let (_, path) = shop.archive("second");
    let child = half_way(&shop, &path).await;
    shop.sdk
        .ecs
        .delete_service()
        .cluster("circles-cluster")
        .service("circles-svc")
        .force(true)
        .send()
        .await
        .expect("a deletion");
    let output = child.wait_with_output().expect("its end");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("app was deleted under the deploy"), "{said}");
    assert!(said.contains("circles-infra apply"), "{said}");
    shop.clock(0.0).await;
    shop.expect(&["apply", "--yes"], 0);
    shop.nothing_to_do();
}
