//! Clusters that are renamed, and clusters that others use.

use crate::standing::Standing;

const STACK: &str = r#"
stack: shop
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  network:
    type: network
    cidr: 10.30.0.0/16
    public_subnets: [10.30.0.0/24, 10.30.1.0/24]
    private_subnets: [10.30.10.0/24, 10.30.11.0/24]
    nat_gateways: single
  alb: { type: load_balancer, network: "${network}" }
  cluster: { type: ecs.cluster, name: "${prefix}" }
  logs: { type: logs.log_group, name: "/ecs/${prefix}", retention_days: 14 }
  api:
    type: fargate_service
    network: ${network}
    cluster: ${cluster}
    load_balancer: ${alb}
    image: public.ecr.aws/nginx/nginx:1.29
    port: 80
    log_group: ${logs}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_cluster_converges() {
    let world = Standing::of(STACK);
    let renamed = STACK.replace("name: \"${prefix}\"", "name: \"${prefix}-2\"");
    assert_ne!(renamed, STACK);
    std::fs::write(world.state.path().join("stack.yaml"), renamed).expect("a stack file");
    // The old service has 30 minutes by default; its own interfaces are gone at once.
    world.expect(&["apply", "--yes"], 0);
    world.expect(&["plan", "--detailed-exitcode"], 0);
    let ecs = aws_sdk_ecs::Client::new(&world.aws.config().await);
    let services = ecs.list_services().cluster("shop-2").send().await;
    assert_eq!(services.expect("the new cluster").service_arns().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_others_is_named_before_anything_is_destroyed() {
    let world = Standing::of(STACK);
    let config = world.aws.config().await;
    let ecs = aws_sdk_ecs::Client::new(&config);
    let ours = ecs.describe_services().cluster("shop").services("shop-api");
    let ours = ours.send().await.expect("our service");
    let network = ours.services()[0].network_configuration().cloned();
    let foreign = ecs.create_service().cluster("shop").service_name("foreign");
    let foreign = foreign
        .task_definition("shop-api")
        .desired_count(1)
        .launch_type(aws_sdk_ecs::types::LaunchType::Fargate)
        .set_network_configuration(network);
    foreign.send().await.expect("a service of others");
    let (_, since) = world.aws.calls(0).await;
    let said = world.expect(&["destroy", "--yes"], 1);
    assert!(
        said.all().contains("not of this stack: foreign"),
        "{}",
        said.all()
    );
    let (calls, _) = world.aws.calls(since).await;
    assert!(calls.iter().all(|call| !call.mutating), "{calls:?}");
    let gone = ecs.delete_service().cluster("shop").service("foreign");
    gone.force(true).send().await.expect("it is deleted");
    world.expect(&["destroy", "--yes"], 0);
}
