//! The policy that `permissions` prints is enough, and each action that is missing is named.

use serde_json::{Value as Json, json};

use crate::desk::Desk;

/// The actions of a policy document.
fn actions(desk: &Desk, arguments: &[&str]) -> Vec<String> {
    let text = desk.expect(arguments, 0).out;
    let policy: Json = serde_json::from_str(&text).expect("JSON");
    let mut all: Vec<String> = policy["Statement"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|statement| match &statement["Action"] {
            Json::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect();
    all.sort();
    all.dedup();
    all
}

async fn allow(desk: &Desk, actions: &[String]) {
    desk.aws
        .control("POST", "iam", &json!({ "allow": actions }))
        .await;
}

/// With this answer, what lacks is said; without, it was not needed here.
fn names(said: &crate::standing::Said, action: &str) -> bool {
    let sentence = format!("the caller lacks the IAM action {action}");
    said.all()
        .lines()
        .any(|line| line.trim().ends_with(&sentence))
}

/// What AWS asks for beside a call's own action: none of the stack's calls is named like it.
const BESIDE: [&str; 10] = [
    "ec2:CreateTags",
    "ecr:TagResource",
    "ecs:TagResource",
    "elasticloadbalancing:AddTags",
    "iam:PassRole",
    "iam:TagRole",
    "logs:TagResource",
    "rds:AddTagsToResource",
    "s3:TagResource",
    "secretsmanager:TagResource",
];

#[tokio::test(flavor = "multi_thread")]
async fn it_is_enough_and_what_is_missing_is_named() {
    let desk = Desk::circles();
    let all = actions(&desk, &["permissions"]);
    let reading = actions(&desk, &["permissions", "--read-only"]);
    assert!(reading.iter().all(|action| all.contains(action)));
    allow(&desk, &all).await;
    desk.expect(&["apply", "--yes"], 0);
    allow(&desk, &reading).await;
    desk.settled(&[]);
    desk.expect(&["drift"], 0);
    desk.expect(&["outputs"], 0);
    let step = if std::env::var_os("CIRCLES_TEST_ALL").is_some() {
        1
    } else {
        6
    };
    // What only reads is missed by a plan of what stands.
    for action in reading.iter().step_by(step) {
        let rest: Vec<String> = all
            .iter()
            .filter(|other| *other != action)
            .cloned()
            .collect();
        allow(&desk, &rest).await;
        let said = desk.run(&["plan"]);
        let fine = said.code == Some(0);
        assert!(
            fine || (said.code == Some(1) && names(&said, action)),
            "{action}\n{}",
            said.all()
        );
    }
    allow(&desk, &all).await;
    desk.expect(&["destroy", "--yes"], 0);
    // What writes: an apply that lacks it goes as far as it can and names it; with it, the next one ends.
    let writing: Vec<&String> = all
        .iter()
        .filter(|action| !reading.contains(action))
        .collect();
    let mut named = 0;
    let each = writing.iter().enumerate();
    let tried: Vec<&&String> = each
        .filter(|(i, action)| i % step == 0 || BESIDE.contains(&action.as_str()))
        .map(|(_, action)| action)
        .collect();
    for action in &tried {
        let rest: Vec<String> = all
            .iter()
            .filter(|other| *other != **action)
            .cloned()
            .collect();
        allow(&desk, &rest).await;
        let applied = desk.run(&["apply", "--yes"]);
        if applied.code == Some(0) {
            assert!(
                !BESIDE.contains(&action.as_str()),
                "{action} was not missed"
            );
            let gone = desk.run(&["destroy", "--yes"]);
            assert!(
                gone.code == Some(0) || names(&gone, action),
                "{action}\n{}",
                gone.all()
            );
            named += usize::from(gone.code != Some(0));
        } else {
            assert!(names(&applied, action), "{action}\n{}", applied.all());
            named += 1;
        }
        allow(&desk, &all).await;
        desk.expect(&["destroy", "--yes"], 0);
    }
    assert!(
        named * 4 > tried.len(),
        "{named} of {} actions were missed",
        tried.len()
    );
}
