//! Commands that the program suggests work when they are pasted: with the stack, the environment and the variables that were given.

use std::process::Command;

use crate::standing::{Said, Standing};

const STACK: &str = r#"
stack: shop
region: us-east-1
variables:
  days: { type: int }
default_environment: dev
environments: { dev: { ephemeral: true }, test: { ephemeral: true } }
resources:
  logs: { type: logs.log_group, name: "/${prefix}", retention_days: "${var.days}" }
"#;

/// Pastes a line into a shell whose `circles-infra` is this program.
fn paste(world: &Standing, line: &str) -> Said {
    let bin = world.state.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    let program = bin.join("circles-infra");
    if !program.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_circles-infra"), &program).expect("a link");
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).current_dir(world.state.path());
    for (name, value) in world.command(&[]).get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.env("PATH", format!("{}:{path}", bin.display()));
    Said::raw(&shell.output().expect("a shell"))
}

/// The command in a text, up to what follows it.
fn suggested(text: &str, verb: &str, end: &str) -> String {
    let found = text.split("circles-infra ").skip(1).find(|rest| {
        let line = rest.lines().next().unwrap_or_default();
        line.split(' ').any(|word| word == verb)
    });
    let rest = found.unwrap_or_else(|| panic!("no {verb} in {text}"));
    let line = rest.lines().next().unwrap_or_default();
    format!("circles-infra {}", line.split(end).next().unwrap_or(line))
}

#[tokio::test(flavor = "multi_thread")]
async fn suggested_commands_can_be_pasted() {
    let default = STACK.replace("type: int", "type: int, default: 7");
    let world = Standing::of(&default);
    // Elsewhere, under a name with a space, without a default.
    let stack = world.state.path().join("my stack.yaml");
    std::fs::write(&stack, STACK).expect("a stack file");
    let given = "circles-infra --stack 'my stack.yaml' --env test --var days=14";
    let said = paste(&world, &format!("{given} status"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let apply = suggested(&said.out, "apply", " makes it");
    assert_eq!(
        apply,
        "circles-infra --stack 'my stack.yaml' --env test --var days=14 apply"
    );

    let said = paste(&world, &format!("{given} plan --out 'a plan.json'"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let apply = suggested(&said.err, "apply", "\n");
    let said = paste(&world, &format!("{apply} --yes"));
    assert_eq!(said.code, Some(0), "{apply}\n{}", said.all());
    // It was this environment with this variable.
    let said = paste(&world, &format!("{given} plan --detailed-exitcode"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let logs = aws_sdk_cloudwatchlogs::Client::new(&world.aws.config().await);
    let groups = logs
        .describe_log_groups()
        .log_group_name_prefix("/shop-test");
    let groups = groups.send().await.expect("log groups");
    assert_eq!(groups.log_groups()[0].retention_in_days(), Some(14));

    // A mistake's hint.
    let said = paste(&world, &format!("{given} plan --target nowhere"));
    let graph = suggested(&said.err, "graph", " shows");
    let said = paste(&world, &graph);
    assert_eq!(said.code, Some(0), "{graph}\n{}", said.all());
}
