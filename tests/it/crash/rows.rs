//! Rows of `docs/recovery.md` that the circles stack has not, on a stack of their own (`rows.yaml`): made, changed so that a service is
//! replaced and a policy has one version too many, taken away with objects in its bucket, and made again over what is kept for a while.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;

use super::walk::{Point, moments, sample, walk};
use super::world::{World, same};
use crate::wire::{Deed, Moment, Script, When};

const STACK: &str = include_str!("rows.yaml");

#[derive(Clone, Copy, Debug)]
enum Leg {
    Make,
    Change,
    Remove,
    /// After a destroy: the secret is in its recovery window.
    MakeAgain,
}

impl Leg {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Remove => &["destroy", "--yes"],
            _ => &["apply", "--yes"],
        }
    }

    fn stack(self, world: &World) -> PathBuf {
        let text = match self {
            Self::Change | Self::Remove => CHANGES
                .iter()
                .fold(STACK.to_owned(), |text, (from, to)| text.replace(from, to)),
            _ => STACK.to_owned(),
        };
        world.written_stack(&text)
    }

    async fn prepare(self, world: &World) -> Result<(), String> {
        world.empty().await;
        let before: &[Self] = match self {
            Self::Make => &[],
            Self::Change => &[Self::Make],
            Self::Remove => &[Self::Make, Self::Change],
            Self::MakeAgain => &[Self::Make, Self::Remove],
        };
        for leg in before {
            let stack = leg.stack(world);
            world.expect(&stack, leg.arguments(), 0, "before").await?;
        }
        if matches!(self, Self::Change | Self::Remove) {
            fill(world).await;
        }
        Ok(())
    }

    async fn converged(self, world: &World, should: &Json, when: &str) -> Result<(), String> {
        same(&world.inventory().await, should, when)?;
        if !matches!(self, Self::Remove) {
            let plan = ["plan", "--detailed-exitcode"];
            world.expect(&self.stack(world), &plan, 0, when).await?;
        }
        Ok(())
    }
}

/// Another service name replaces the service, another description the group it stands in.
const CHANGES: [(&str, &str); 5] = [
    ("rows-one", "rows-two"),
    ("the first", "the second"),
    ("TRY: \"1\"", "TRY: \"2\""),
    ("s3:GetObject", "s3:PutObject"),
    ("B: { generate: 20 }", "C: { generate: 20 }"),
];

/// As many versions as a policy may have (IAM and STS quotas).
const VERSIONS: usize = 5;

/// Objects in the bucket, with older versions; as many versions of the policy as AWS allows.
async fn fill(world: &World) {
    let config = world.aws.config().await;
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .build(),
    );
    let buckets = s3.list_buckets().send().await.expect("a listing");
    let bucket = buckets.buckets().iter().find_map(|bucket| bucket.name());
    let bucket = bucket.expect("the bucket");
    for name in ["one", "two", "two"] {
        let put = s3.put_object().bucket(bucket).key(name);
        put.body(name.as_bytes().to_vec().into())
            .send()
            .await
            .expect("an object");
    }
    let iam = aws_sdk_iam::Client::new(&config);
    let listed = iam.list_policies().scope("Local".into()).send().await;
    let listed = listed.expect("a listing");
    let arn = listed.policies().iter().find_map(|policy| policy.arn());
    let versions = iam.list_policy_versions();
    let versions = versions.policy_arn(arn.expect("the policy")).send().await;
    for number in versions.expect("a listing").versions().len()..VERSIONS {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:Get{number}","Resource":"*"}}]}}"#
        );
        iam.create_policy_version()
            .policy_arn(arn.expect("the policy"))
            .policy_document(text)
            .send()
            .await
            .expect("a version");
    }
}

/// The family's revisions that are in use.
async fn in_use(ecs: &aws_sdk_ecs::Client) -> Vec<String> {
    let listed = ecs.list_task_definitions().family_prefix("rows").send();
    let listed = listed.await.expect("a listing");
    listed.task_definition_arns().to_vec()
}

/// As many revisions as are kept (`KEPT` in `src/aws/ecs/task_definition.rs`).
const REVISIONS: usize = 10;

/// Copies of the revision with all its tags, until no more are kept.
async fn crowd(ecs: &aws_sdk_ecs::Client) {
    let answer = ecs
        .describe_task_definition()
        .task_definition("rows")
        .include(aws_sdk_ecs::types::TaskDefinitionField::Tags)
        .send()
        .await
        .expect("a definition");
    let one = answer.task_definition().expect("a definition");
    for _ in in_use(ecs).await.len()..REVISIONS {
        ecs.register_task_definition()
            .family("rows")
            .set_container_definitions(one.container_definitions.clone())
            .set_execution_role_arn(one.execution_role_arn.clone())
            .set_network_mode(one.network_mode.clone())
            .set_requires_compatibilities(one.requires_compatibilities.clone())
            .set_cpu(one.cpu.clone())
            .set_memory(one.memory.clone())
            .set_runtime_platform(one.runtime_platform.clone())
            .set_tags(answer.tags.clone())
            .send()
            .await
            .expect("a revision");
    }
}

/// Killed between a new revision and the end of an old one: one too many is no change, and the next new one makes room for both.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_too_many_goes_with_the_next() {
    let world = World::new().await;
    let ecs = aws_sdk_ecs::Client::new(&world.aws.config().await);
    let made = world.written_stack(STACK);
    let apply = Leg::Make.arguments();
    let expect = async |stack: &std::path::Path, arguments: &[&str], when: &str| {
        let ended = world.expect(stack, arguments, 0, when).await;
        ended.unwrap_or_else(|error| panic!("{error}"));
    };
    expect(&made, apply, "before").await;
    crowd(&ecs).await;
    let second = world.written_stack(&STACK.replace("TRY: \"1\"", "TRY: \"2\""));
    let kill = Deed::Kill(Moment::Before);
    let script = Script::new(When::Named("DeregisterTaskDefinition"), kill);
    assert!(world.run(&second, apply, script).await.killed());
    expect(&second, apply, "killed before it made room").await;
    assert_eq!(in_use(&ecs).await.len(), REVISIONS + 1);
    expect(&second, &["plan", "--detailed-exitcode"], "one too many").await;
    let third = world.written_stack(&STACK.replace("TRY: \"1\"", "TRY: \"3\""));
    expect(&third, apply, "the next").await;
    assert_eq!(in_use(&ecs).await.len(), REVISIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_rest_converges() {
    killed("the rest made", Leg::Make, 3, &["CreateVpcEndpoint"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_rest_converges() {
    let must = [
        "CreatePolicyVersion",
        "DeletePolicyVersion",
        "DeleteService",
        "CreateService",
    ];
    killed("the rest changed", Leg::Change, 4, &must).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_rest_leaves_nothing() {
    let must = ["POST ?delete", "DeleteSecret", "DeregisterTaskDefinition"];
    killed("the rest removed", Leg::Remove, 4, &must).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_while_is_brought_back() {
    killed("the rest made again", Leg::MakeAgain, 3, &["RestoreSecret"]).await;
}

async fn killed(name: &'static str, leg: Leg, few: usize, must: &[&str]) {
    let (calls, clean) = {
        let world = World::new().await;
        let clean = clean(leg, &world).await;
        clean.unwrap_or_else(|error| panic!("{error}"))
    };
    for action in must {
        assert!(
            calls.iter().any(|call| call == action),
            "{action}: {calls:?}"
        );
    }
    // Those calls in any case, and some of the others.
    let mut nths = sample(calls.len(), few);
    nths.extend((1..=calls.len()).filter(|nth| must.contains(&calls[nth - 1].as_str())));
    nths.sort_unstable();
    nths.dedup();
    let clean = Arc::new(clean);
    walk(name, moments(nths), move |world, (nth, moment)| {
        let clean = clean.clone();
        async move { point(leg, &world, nth, moment, &clean).await }
    })
    .await;
}

/// The mutating calls of the run, and what it leaves.
async fn clean(leg: Leg, world: &World) -> Result<(Vec<String>, Json), String> {
    leg.prepare(world).await?;
    let stack = leg.stack(world);
    let ended = world
        .expect(&stack, leg.arguments(), 0, "undisturbed")
        .await?;
    let inventory = world.inventory().await;
    leg.converged(world, &inventory, "undisturbed").await?;
    let calls = ended.script.mutating();
    Ok((
        calls.into_iter().map(|call| call.action).collect(),
        inventory,
    ))
}

async fn point(
    leg: Leg,
    world: &World,
    nth: usize,
    moment: Moment,
    clean: &Json,
) -> Result<Point, String> {
    leg.prepare(world).await?;
    let script = Script::new(When::Mutating(nth), Deed::Kill(moment));
    let ended = world.run(&leg.stack(world), leg.arguments(), script).await;
    let when = format!("killed {moment:?} call {nth}");
    if !ended.killed() {
        ended.expect(0, &when)?;
        return Ok(Point::NotReached);
    }
    let stack = leg.stack(world);
    world.expect(&stack, leg.arguments(), 0, &when).await?;
    leg.converged(world, clean, &when).await?;
    Ok(Point::Converged)
}
