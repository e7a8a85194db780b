//! The service and its image: none yet, one that runs, one that does not; fewer tasks than now.

use serde_json::json;

use crate::desk::Desk;

const PUSH: &str = "
manifest = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.docker.distribution.manifest.v2+json',
    'config': {'mediaType': 'application/vnd.docker.container.image.v1+json', 'size': 2, 'digest': 'sha256:' + 'a' * 64}, 'layers': []})
ecr.put_image(repositoryName='circles-app', imageManifest=manifest, imageTag='latest',
    imageManifestMediaType='application/vnd.docker.distribution.manifest.v2+json')
";
const RUNNING: &str = "print(ecs.describe_services(cluster='circles-cluster', services=['circles-svc'])['services'][0]['runningCount'])";

#[tokio::test(flavor = "multi_thread")]
async fn tasks_start_with_the_first_image_and_fewer_are_flagged() {
    let desk = Desk::circles();
    let said = desk.expect(&["apply", "--yes"], 0);
    assert!(
        said.err.contains(
            "app/service starts its tasks with the first image: circles-app holds none yet (circles-infra deploy ships one)"
        ),
        "{}",
        said.err
    );
    // ECS gives such a roll-out up; that is no second thing to be told.
    let said = desk.expect(&["plan", "--detailed-exitcode"], 0);
    assert!(!said.err.contains("roll-out failed"), "{}", said.err);
    desk.boto(PUSH);
    // With an image it is waited for until it is steady.
    let said = desk.expect(&["apply", "--yes", "--var", "container_cpu=256"], 0);
    assert!(
        !said
            .err
            .contains("holds none yet (circles-infra deploy ships one)"),
        "{}",
        said.err
    );
    assert_eq!(desk.boto(RUNNING), "2");
    let plan = desk
        .expect(
            &[
                "plan",
                "--var",
                "container_cpu=256",
                "--var",
                "desired_count=1",
            ],
            0,
        )
        .out;
    assert!(
        plan.contains("note: app/service will run fewer tasks than now: 2 → 1"),
        "{plan}"
    );
    // Nobody waits with --no-wait.
    desk.aws
        .control("POST", "clock", &json!({"factor": 1}))
        .await;
    let said = desk.expect(&["apply", "--yes", "--no-wait"], 0);
    assert!(said.err.contains("app/service: updated"), "{}", said.err);
    desk.aws
        .control("POST", "clock", &json!({"factor": 0}))
        .await;
    desk.expect(&["destroy", "--yes"], 0);
}
