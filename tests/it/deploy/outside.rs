//! Somebody else's pipeline ships by itself.

use aws_sdk_ecs::types::{Tag, TaskDefinitionField};

use super::*;

/// What a pipeline does with AWS's own tools: the running definition with another image, registered without tags, rolled out.
async fn ship_by_hand(shop: &Shop, image: &str) {
    let arn = register_by_hand(shop, image, &[]).await;
    roll_by_hand(shop, &arn).await;
}

pub async fn register_by_hand(shop: &Shop, image: &str, tags: &[Tag]) -> String {
    let definition = shop.definition().await;
    let mut containers = definition.container_definitions().to_vec();
    containers[0].image = Some(image.to_owned());
    let answer = shop
        .sdk
        .ecs
        .register_task_definition()
        .family(definition.family().expect("a family"))
        .set_container_definitions(Some(containers))
        .set_task_role_arn(definition.task_role_arn.clone())
        .set_execution_role_arn(definition.execution_role_arn.clone())
        .set_network_mode(definition.network_mode.clone())
        .set_requires_compatibilities(definition.requires_compatibilities.clone())
        .set_cpu(definition.cpu.clone())
        .set_memory(definition.memory.clone())
        .set_runtime_platform(definition.runtime_platform.clone())
        .set_tags(Some(tags.to_vec()).filter(|all| !all.is_empty()))
        .send()
        .await
        .expect("a revision");
    let arn = answer
        .task_definition()
        .and_then(|one| one.task_definition_arn());
    arn.expect("an ARN").to_owned()
}

async fn roll_by_hand(shop: &Shop, arn: &str) {
    shop.sdk
        .ecs
        .update_service()
        .cluster("circles-cluster")
        .service("circles-svc")
        .task_definition(arn)
        .send()
        .await
        .expect("a roll-out");
    for _ in 0..10 {
        shop.service().await;
    }
}

/// The tags of the running revision.
async fn tags(shop: &Shop) -> Vec<Tag> {
    let answer = shop
        .sdk
        .ecs
        .describe_task_definition()
        .task_definition(shop.service().await.task_definition.expect("a definition"))
        .include(TaskDefinitionField::Tags)
        .send()
        .await
        .expect("a definition");
    answer.tags().to_vec()
}

/// Neither a plan, an apply nor a look for drift finds anything, and the service stays where it is.
async fn left_alone(shop: &Shop) {
    let before = shop.service().await.task_definition;
    for arguments in [
        &["plan", "--detailed-exitcode"][..],
        &["drift", "--detailed-exitcode"],
        &["apply", "--yes"],
        &["plan", "--detailed-exitcode"],
    ] {
        let said = shop.expect(arguments, 0);
        assert!(!said.contains("is gone"), "{arguments:?}\n{said}");
    }
    assert_eq!(shop.service().await.task_definition, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_with_the_same_image_is_left_alone() {
    let shop = Shop::open().await;
    let (_, path) = shop.archive("one");
    shop.expect(&["deploy", "--image", &path], 0);
    let (image, ours) = (shop.image().await, tags(&shop).await);
    // With our tags, as a pipeline that copies everything makes it: first only registered, then rolled out.
    let copy = register_by_hand(&shop, &image, &ours).await;
    left_alone(&shop).await;
    roll_by_hand(&shop, &copy).await;
    left_alone(&shop).await;
    // Without tags.
    ship_by_hand(&shop, &image).await;
    left_alone(&shop).await;
    let said = shop.expect(&["status"], 0);
    assert!(said.contains("release     outside"), "{said}");
    let revision = shop.service().await.task_definition.expect("a definition");
    let (_, name) = revision.rsplit_once('/').expect("a name");
    let said = shop.expect(&["deploy", "--image", &path], 0);
    let words = format!("runs already, as {name}: registered outside");
    assert!(said.contains(&words), "{words}\n{said}");
    left_alone(&shop).await;
    shop.forget_state();
    left_alone(&shop).await;
    // More of them than are looked through.
    for _ in 0..12 {
        ship_by_hand(&shop, &image).await;
    }
    left_alone(&shop).await;
    shop.forget_state();
    left_alone(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_with_revisions_of_others_is_no_name_taken() {
    let shop = Shop::open().await;
    let image = shop.image().await;
    let theirs = register_by_hand(&shop, &image, &[]).await;
    shop.expect(&["destroy", "--yes", "--target", "app"], 0);
    shop.expect(&["apply", "--yes"], 0);
    let ours = shop.service().await.task_definition.expect("a definition");
    assert_ne!(ours, theirs);
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_never_puts_an_older_image_back() {
    let shop = Shop::open().await;
    let theirs = Image::new("theirs", "amd64");
    push(&shop.sdk.ecr, REPOSITORY, &theirs, "sha-1").await;
    let url = "000000000000.dkr.ecr.us-east-1.amazonaws.com/circles-app";
    let image = format!("{url}:sha-1");
    ship_by_hand(&shop, &image).await;
    shop.nothing_to_do();
    shop.forget_state();
    shop.nothing_to_do();
    shop.expect(&["apply", "--yes"], 0);
    shop.nothing_to_do();
    // A change of something else takes their image along, and does not forget that it was released.
    shop.expect(&["--var", "container_memory=2048", "apply", "--yes"], 0);
    assert_eq!(shop.image().await, image);
    assert_eq!(shop.definition().await.memory(), Some("2048"));
    shop.forget_state();
    shop.expect(
        &[
            "--var",
            "container_memory=2048",
            "plan",
            "--detailed-exitcode",
        ],
        0,
    );
    let table = shop.expect(&["releases"], 0);
    assert!(table.contains("▶ outside"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_has_moved_on_is_told() {
    let shop = Shop::open().await;
    let first = Image::new("first", "amd64");
    push(&shop.sdk.ecr, REPOSITORY, &first, "latest").await;
    // The image that the stack file names, when none is given.
    let said = shop.expect(&["deploy"], 0);
    assert!(said.contains("no image given: latest"), "{said}");
    let said = shop.expect(&["redeploy"], 0);
    assert!(!said.contains("has moved on"), "{said}");
    let second = Image::new("second", "amd64");
    push(&shop.sdk.ecr, REPOSITORY, &second, "latest").await;
    shop.nothing_to_do();
    let before = shop.service().await.deployments()[0].id.clone();
    let said = shop.expect(&["redeploy", "app"], 0);
    assert!(said.contains("latest has moved on to image"), "{said}");
    assert!(
        said.contains("circles-infra deploy app --image latest"),
        "{said}"
    );
    assert!(shop.image().await.ends_with(&first.digest()));
    assert_ne!(
        shop.service().await.deployments()[0].id,
        before,
        "new tasks"
    );
    shop.nothing_to_do();
    shop.expect(&["deploy", "--image", "latest"], 0);
    assert!(shop.image().await.ends_with(&second.digest()));
}
