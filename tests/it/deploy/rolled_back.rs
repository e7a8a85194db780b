//! What ECS took back by itself is no success, also where the task definition stays the same; and tasks that run once are started once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_redeploy_that_ecs_took_back_is_no_success() {
    let shop = Shop::open().await;
    let (image, path) = shop.archive("good");
    shop.expect(&["deploy", "--image", &path], 0);
    let before = shop.service().await.task_definition;
    // New tasks of the same image fail, as with a password that was changed.
    let line = "password authentication failed for user circles";
    shop.behaves(&image, "crashes", &[line]).await;
    let said = shop.expect(&["redeploy"], 69);
    assert!(said.contains("the new tasks did not come to run"), "{said}");
    assert!(said.contains(line), "the last line of a task's log\n{said}");
    assert!(!said.contains("steady and healthy"), "{said}");
    assert_eq!(shop.service().await.task_definition, before);
    let said = shop.expect(&["status"], 0);
    assert!(
        said.contains("serves, with warnings") && said.contains("ECS went back"),
        "{said}"
    );
    // Once they run again, it is one.
    shop.behaves(&image, "runs", &[]).await;
    let said = shop.expect(&["redeploy"], 0);
    assert!(said.contains("steady and healthy"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_whose_start_was_not_answered_runs_once() {
    let shop = Shop::open().await;
    let (_, path) = shop.archive("once");
    let fault = json!({"kind": "lose", "service": "ecs", "action": "RunTask", "nth": 1});
    shop.aws.control("POST", "faults", &fault).await;
    let said = shop.expect(&["deploy", "--image", &path, "--migrate"], 0);
    assert!(said.contains("migrated"), "{said}");
    let (calls, _) = shop.aws.calls(0).await;
    let started = calls.iter().filter(|call| call.action == "RunTask").count();
    assert_eq!(started, 1, "it is looked for before it is started again");
    let ecs = &shop.sdk.ecs;
    let tasks = ecs.list_tasks().cluster("circles-cluster");
    let tasks = tasks.desired_status(aws_sdk_ecs::types::DesiredStatus::Stopped);
    let arns = tasks.send().await.expect("tasks").task_arns;
    let tasks = ecs
        .describe_tasks()
        .cluster("circles-cluster")
        .set_tasks(arns);
    let tasks = tasks.include(aws_sdk_ecs::types::TaskField::Tags);
    let tasks = tasks.send().await.expect("tasks");
    let migrations: Vec<_> = tasks
        .tasks()
        .iter()
        .filter(|task| {
            task.started_by()
                .is_some_and(|by| by.starts_with("circles-infra/migration/"))
        })
        .collect();
    assert_eq!(migrations.len(), 1);
    let owner = migrations[0]
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("circles-infra:stack"));
    assert_eq!(owner.and_then(|tag| tag.value()), Some("circles"));
}
