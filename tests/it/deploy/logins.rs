//! `secrets rotate` of a database's URL: a task beside the service, the secret's versions, and what is left when it is cut off. What the
//! task does in a database is tested with one: the service's own tests, and those of the whole system.

use super::*;

const KEY: &str = "APP_DATABASE_URL";
const ROTATE: &[&str] = &["secrets", "rotate", KEY];
/// Two users take turns only where the stack file says how.
const SAYS_HOW: (&str, &str) = ("    rotate_login:", "    # rotate_login:");

impl Shop {
    /// The URL that tasks get.
    async fn url(&self) -> String {
        let client = aws_sdk_secretsmanager::Client::new(&self.aws.config().await);
        let answer = client
            .get_secret_value()
            .secret_id("circles/app-config")
            .send()
            .await
            .expect("the secret");
        let held: Json =
            serde_json::from_str(answer.secret_string().expect("text")).expect("an object");
        held[KEY].as_str().expect("a URL").to_owned()
    }

    async fn user(&self) -> String {
        let url = self.url().await;
        let rest = url.strip_prefix("postgresql://").expect("a URL");
        rest.split(':').next().expect("a user").to_owned()
    }

    /// Task definitions of rotations, by whether they are in use.
    async fn definitions(&self, active: bool) -> Vec<String> {
        use aws_sdk_ecs::types::TaskDefinitionStatus::{Active, Inactive};
        let answer = self
            .sdk
            .ecs
            .list_task_definitions()
            .family_prefix("circles-task-login")
            .status(if active { Active } else { Inactive })
            .send()
            .await
            .expect("a list");
        answer.task_definition_arns().to_vec()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_take_turns_and_nothing_puts_the_master_back() {
    let shop = Shop::open().await;
    let (_, path) = shop.archive("first");
    shop.expect(&["deploy", "--image", &path], 0);
    let running = shop.service().await.task_definition;
    assert_eq!(shop.user().await, "circles");
    let mut before = shop.url().await;
    for user in ["circles_a", "circles_b", "circles_a"] {
        let said = shop.expect(ROTATE, 0);
        assert!(said.contains(&format!("now with user {user}")), "{said}");
        assert!(said.contains("circles-infra redeploy"), "{said}");
        assert_eq!(shop.user().await, user);
        let url = shop.url().await;
        let (_, place) = url.split_once('@').expect("a place");
        assert!(before.ends_with(place) && before != url);
        shop.nothing_to_do();
        before = url;
    }
    shop.expect(&["apply", "--yes"], 0);
    shop.forget_state();
    shop.nothing_to_do();
    shop.expect(&["apply", "--yes"], 0);
    assert_eq!(shop.url().await, before);
    // The service itself was not touched, and nothing of the rotations is in use.
    assert_eq!(shop.service().await.task_definition, running);
    assert_eq!(shop.definitions(true).await, Vec::<String>::new());
    let gone = shop.definitions(false).await;
    let answer = shop
        .sdk
        .ecs
        .describe_task_definition()
        .task_definition(&gone[0])
        .send()
        .await
        .expect("a definition");
    let definition = answer.task_definition.expect("a definition");
    let container = &definition.container_definitions()[0];
    assert_eq!(container.entry_point(), ["circles-app"]);
    assert_eq!(container.command(), ["rotate-login"]);
    let from: Vec<(&str, bool)> = container
        .secrets()
        .iter()
        .map(|one| {
            let next = one
                .value_from()
                .ends_with(":APP_DATABASE_URL:circles-infra-next:");
            (one.name(), next)
        })
        .collect();
    assert_eq!(from, [(KEY, true), ("APP_DB_ADMIN_PASSWORD", false)]);
    // What the stack file says of the place counts again when it says another one.
    let said = shop.expect(&["releases"], 0);
    assert!(!said.contains("login"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_leaves_the_url_as_it_was() {
    let shop = Shop::open().await;
    let (image, path) = shop.archive("first");
    shop.expect(&["deploy", "--image", &path], 0);
    let before = shop.url().await;
    shop.behaves(&image, "crashes", &["error: circles_a is still in use"])
        .await;
    let said = shop.expect(ROTATE, 1);
    assert!(
        said.contains("circles_a is still in use") && said.contains("the URL is as it was"),
        "{said}"
    );
    assert_eq!(shop.url().await, before);
    assert_eq!(shop.definitions(true).await, Vec::<String>::new());
    shop.behaves(&image, "runs", &[]).await;
    shop.expect(ROTATE, 0);
    assert_eq!(shop.user().await, "circles_a");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_any_call_the_next_one_goes_on() {
    let shop = Shop::open().await;
    let (_, path) = shop.archive("first");
    shop.expect(&["deploy", "--image", &path], 0);
    for action in [
        "PutSecretValue",
        "RegisterTaskDefinition",
        "RunTask",
        "DeregisterTaskDefinition",
        "UpdateSecretVersionStage",
    ] {
        for kind in ["late", "delay"] {
            let before = shop.url().await;
            let fault = json!({"kind": kind, "action": action, "seconds": 3, "nth": 1});
            shop.aws.control("POST", "faults", &fault).await;
            let mut child = shop
                .command(ROTATE)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a rotation");
            let patience = Instant::now() + Duration::from_secs(60);
            while !interrupted::journal(&shop).contains(&format!(":{action}\"")) {
                assert!(Instant::now() < patience, "{action} was not sent");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            child.kill().expect("a killed rotation");
            child.wait().expect("an ended rotation");
            tokio::time::sleep(Duration::from_millis(3200)).await;
            shop.aws.control("DELETE", "faults", &Json::Null).await;
            let after = shop.url().await;
            assert!(
                after == before || action == "UpdateSecretVersionStage",
                "{kind} {action}"
            );
            shop.expect(ROTATE, 0);
            assert_ne!(shop.url().await, after, "{kind} {action}");
            assert_eq!(shop.definitions(true).await, Vec::<String>::new());
            shop.nothing_to_do();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_say_how_is_told_to() {
    let shop = Shop::with(&[SAYS_HOW]).await;
    let before = shop.url().await;
    let said = shop.expect(ROTATE, 1);
    assert!(said.contains("rotate_login: [PROGRAM"), "{said}");
    assert_eq!(shop.url().await, before);
}
