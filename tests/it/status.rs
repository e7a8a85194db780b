//! `status`: one screen in some 16 calls, whether the services serve, and why not; and `-v`, which tells of calls.

use serde_json::{Value as Json, json};

use crate::standing::{Said, Standing};

#[tokio::test(flavor = "multi_thread")]
async fn one_screen_in_some_16_calls() {
    let world = Standing::circles();
    // No task can start without an image.
    let said = world.expect(&["status"], 77);
    for words in [
        "does not serve",
        "its image cannot be pulled",
        "deploy app --image TAG",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    with_image(&world).await;
    let (_, since) = world.aws.calls(0).await;
    let said = world.expect(&["status"], 0);
    let (calls, _) = world.aws.calls(since).await;
    assert!(calls.len() <= 16, "{} calls: {calls:#?}", calls.len());
    assert!(calls.iter().all(|call| !call.mutating), "{calls:?}");
    for word in [
        "service", "release", "tasks", "database", "secret", "drift", "url",
    ] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let json = said_json(&world.expect(&["status", "--json"], 0));
    assert_eq!(json["stack"], "circles");
    assert_eq!(json["services"][0]["state"]["desired"], 2);
    assert_eq!(json["databases"][0]["state"]["status"], "available");
    assert_eq!(json["drift"]["found"], json!([]));
    assert_eq!(json["secrets"].as_array().map(Vec::len), Some(2));
    // Somebody scales by hand.
    let ecs = aws_sdk_ecs::Client::new(&world.aws.config().await);
    let update = ecs.update_service().cluster("circles-cluster");
    update
        .service("circles-svc")
        .desired_count(5)
        .send()
        .await
        .expect("a scaled service");
    let said = world.run(&["status"]);
    assert!(said.out.contains("desired_count 2 → 5"), "{}", said.out);
    let said = world.run(&["status", "--drift"]);
    assert!(
        said.out.contains("app/service: desired_count"),
        "{}",
        said.out
    );
    // Without a state it is found by its tags.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut command = world.command_of(elsewhere.path(), &["status", "--json"]);
    let json = said_json(&Said::of(&command.output().expect("it runs")));
    assert_eq!(json["services"][0]["state"]["desired"], 5);
    world.expect(&["destroy", "--yes"], 0);
    let said = world.expect(&["status"], 0);
    assert!(
        said.out
            .contains("nothing of it is there yet: circles-infra apply makes it"),
        "{}",
        said.out
    );
}

fn said_json(said: &Said) -> Json {
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {said:?}"))
}

/// Gives the repository an image, and waits until the service serves.
async fn with_image(world: &Standing) {
    // An image, so that tasks run.
    let ecr = aws_sdk_ecr::Client::new(&world.aws.config().await);
    let manifest = r#"{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, "layers": []}"#;
    let put = ecr.put_image().repository_name("circles-app");
    put.image_tag("latest")
        .image_manifest(manifest)
        .send()
        .await
        .expect("an image");
    let ecs = aws_sdk_ecs::Client::new(&world.aws.config().await);
    let update = ecs.update_service().cluster("circles-cluster");
    let update = update.service("circles-svc").force_new_deployment(true);
    update.send().await.expect("a new deployment");
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let json = said_json(&world.run(&["status", "--json"]));
        let state = &json["services"][0]["state"];
        if json["findings"] == json!([])
            && state["running"] == 2
            && state["tasks"][0]["started"].is_number()
        {
            assert_eq!(state["older_than_secrets"], json!([]), "{json}");
            break;
        }
        assert!(std::time::Instant::now() < patience, "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_older_than_their_secrets_are_said() {
    let world = Standing::circles();
    with_image(&world).await;
    // Versions and tasks have times in whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    world.expect(&["secrets", "rotate", "APP_METRICS_TOKEN"], 0);
    let said = world.expect(&["status"], 0);
    assert!(
        said.out.contains("config has a newer version"),
        "{}",
        said.out
    );
    let plan = world.expect(&["plan", "--detailed-exitcode"], 0);
    assert!(plan.out.contains("newer version"), "{}", plan.out);
}

/// What is deleted or stopped by hand shows as an outage with the command that mends it, and an apply does mend it.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_broke_is_told_with_the_next_command() {
    let world = Standing::circles();
    with_image(&world).await;
    let config = world.aws.config().await;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let ecs = aws_sdk_ecs::Client::new(&config);
    let broken = |sentence: &str| {
        let said = world.expect(&["status"], 77);
        assert!(said.out.contains(sentence), "{sentence}\n{}", said.out);
        assert!(said.out.contains("does not serve"), "{}", said.out);
        world.expect(&["apply", "--yes"], 0);
        world.expect(&["status"], 0);
    };
    let balancers = elb.describe_load_balancers().send().await;
    let balancers = balancers.expect("a balancer");
    let arn = balancers.load_balancers()[0]
        .load_balancer_arn()
        .expect("its ARN");
    let listeners = elb.describe_listeners().load_balancer_arn(arn).send().await;
    for listener in listeners.expect("listeners").listeners() {
        let delete = elb
            .delete_listener()
            .set_listener_arn(listener.listener_arn.clone());
        delete.send().await.expect("it is deleted");
    }
    broken("its load balancer has no listener");
    let update = ecs
        .update_service()
        .cluster("circles-cluster")
        .service("circles-svc");
    update.desired_count(0).send().await.expect("scaled");
    broken("it is scaled to 0 tasks");
    let delete = ecs
        .delete_service()
        .cluster("circles-cluster")
        .service("circles-svc");
    delete.force(true).send().await.expect("it is deleted");
    broken("outage      app: ");
    // An environment that was never applied shows nothing of this one.
    let said = world.expect(&["--env", "prod", "status", "--json"], 0);
    let json = said_json(&said);
    assert_eq!(json["databases"][0]["state"], Json::Null, "{json}");
    assert_eq!(json["services"][0]["state"], Json::Null, "{json}");
    assert_eq!(json["findings"], json!([]), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_told_when_asked_for() {
    let world = Standing::circles();
    let said = world.expect(&["secrets", "list"], 0);
    assert!(!said.err.contains("secretsmanager:"), "{said:?}");
    let fault = json!({"kind": "throttle", "service": "secretsmanager", "action": "BatchGetSecretValue", "nth": 1});
    world.aws.control("POST", "faults", &fault).await;
    let said = world.expect(&["-v", "secrets", "list"], 0);
    let lines: Vec<&str> = said
        .err
        .lines()
        .filter(|line| line.contains("secretsmanager:BatchGetSecretValue"))
        .collect();
    assert_eq!(lines.len(), 2, "{}", said.err);
    assert!(
        lines[0].contains("ThrottlingException (HTTP 400)"),
        "{lines:?}"
    );
    assert!(lines[1].contains(" ms  ok  (attempt 2)"), "{lines:?}");
    // Results stay alone on standard output.
    assert!(!said.out.contains("secretsmanager:"), "{}", said.out);
    let said = world.expect(&["-vv", "destroy", "--yes"], 0);
    assert!(said.err.contains("ec2:DeleteVpc"), "{}", said.err);
    assert!(said.err.contains("waiting: "), "{}", said.err);
}
