//! ECS, ECR and log groups.

use serde_json::json;

use super::access::Need;
use super::actions::{Actions, is_untagging, is_write};
use super::names::StackNames;
use super::network::{has_tags, sends_tags};
use super::reads::log_groups;
use super::statement::{Statement, Topic};

const CREATES: &[&str] = &[
    "ecs:CreateCluster",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
];
const FAMILY: &str = "ecs.task_definition";
/// The family of a rotation's task.
const ROTATION: &str = "task-definition/{}-login:*";
const REGISTER: &str = "ecs:RegisterTaskDefinition";
const RUN: &str = "ecs:RunTask";
/// AWS judges it on no resource.
const DEREGISTER: &str = "ecs:DeregisterTaskDefinition";
const TOKEN: &str = "ecr:GetAuthorizationToken";

pub fn statements(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let mut all = ecs(actions, names);
    let named = |needs: &std::collections::BTreeSet<Need>| {
        needs
            .iter()
            .any(|need| !matches!(need, Need::Delete | Need::Look | Need::Logs))
    };
    let images = actions.of(&["ecr"], |action, needs| action != TOKEN && named(needs));
    let repositories = names.arns(&[("ecr.repository", "name", "repository/{}")], "ecr");
    let groups = actions.of(&["logs"], |action, needs| is_write(action) && named(needs));
    // Names of what the file does not describe any more are not known; its tags are.
    let rest = actions.of(&["ecr", "logs"], |action, needs| {
        is_write(action) && (needs.contains(&Need::Delete) || is_untagging(action))
    });
    all.extend([
        Statement::allow(Topic::Services, "ChangeRepositories", images).on(repositories),
        Statement::allow(Topic::Services, "LogInToRegistry", actions.among(&[TOKEN])),
        Statement::allow(Topic::Services, "ChangeLogGroups", groups).on(log_groups(names)),
        Statement::allow(Topic::Services, "DeleteLogsAndImages", rest).when(has_tags(names)),
    ]);
    all
}

fn ecs(actions: &Actions, names: &StackNames) -> Vec<Statement> {
    let creates = actions.among(CREATES);
    let tags_new = !creates.is_empty();
    let own = actions.of(&["ecs"], |action, needs| {
        is_write(action)
            && !CREATES.contains(&action)
            && ![RUN, DEREGISTER].contains(&action)
            && *needs != [Need::Import].into()
    });
    let mut families = vec![(FAMILY, "family", "task-definition/{}:*")];
    if names.rotates {
        families.push((FAMILY, "family", ROTATION));
    }
    let mut all = vec![
        Statement::allow(Topic::Services, "CreateServices", creates).when(sends_tags(names)),
        Statement::allow(Topic::Services, "ChangeServices", own).when(has_tags(names)),
        Statement::allow(Topic::Services, "RunTasks", actions.among(&[RUN]))
            .on(names.arns(&families, "ecs")),
        Statement::allow(
            Topic::Services,
            "RetireRevisions",
            actions.among(&[DEREGISTER]),
        ),
    ];
    if names.rotates && actions.needs(Need::Ship) {
        // Its revisions are not the stack's resources, and carry a tag of their own.
        let register = actions.among(&[REGISTER]);
        all.push(
            Statement::allow(Topic::Services, "RegisterRotation", register)
                .when(json!({ "Null": { "aws:RequestTag/circles-infra:rotates": "false" } })),
        );
    }
    if tags_new {
        let tag = actions.among(&["ecs:TagResource"]);
        families.extend([
            ("ecs.cluster", "name", "cluster/{}"),
            ("ecs.service", "name", "service/*/{}"),
        ]);
        all.push(
            Statement::allow(Topic::Services, "TagNewServices", tag)
                .on(names.arns(&families, "ecs")),
        );
    }
    all
}
