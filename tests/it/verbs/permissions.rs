//! The policies that `permissions` prints are enough for every command, none of their statements is
//! idle, and a role that only reads sees the same plan.

use serde_json::{Value as Json, json};

use crate::deploy::images::{Image, oci};
use crate::desk::{Desk, said};
use crate::standing::Said;

/// The documents, by name.
fn printed(desk: &Desk, arguments: &[&str]) -> Vec<(String, Json)> {
    let all = [&["permissions"], arguments].concat();
    let text = desk.expect(&all, 0).out;
    let documents: Json = serde_json::from_str(&text).expect("JSON");
    let documents = documents.as_object().expect("an object").clone();
    documents.into_iter().collect()
}

fn statements(documents: &[(String, Json)]) -> Vec<Json> {
    let lists = documents.iter().map(|(_, document)| &document["Statement"]);
    lists
        .flat_map(|list| list.as_array().cloned().unwrap_or_default())
        .collect()
}

fn actions(statements: &[Json]) -> Vec<String> {
    let allowed = statements.iter().filter(|one| one["Effect"] == "Allow");
    allowed
        .flat_map(|one| match &one["Action"] {
            Json::Array(all) => all.clone(),
            one => vec![one.clone()],
        })
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect()
}

/// Makes these the caller's only rights. False: this server judges by actions alone.
async fn grant(desk: &Desk, statements: &[Json]) -> bool {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    let body = json!({ "policies": [document] });
    let answer = desk.aws.control("POST", "iam", &body).await;
    let judges = answer["allow"]
        .as_array()
        .is_some_and(|all| !all.is_empty());
    if !judges {
        let body = json!({ "allow": actions(statements) });
        desk.aws.control("POST", "iam", &body).await;
    }
    judges
}

const BUCKET: &str = "rights-states";
const LOCK: &str = "rights-locks";

/// The real stack with its state in S3.
fn desk() -> Desk {
    let desk = Desk::circles();
    desk.edit(
        "region: us-east-1\n",
        &format!(
            "region: us-east-1\nstate: {{ backend: s3, bucket: {BUCKET}, key: team, lock: {{ dynamodb: {LOCK} }} }}\n"
        ),
    );
    desk
}

fn archive(desk: &Desk, word: &str) -> String {
    let image = Image::new(word, "amd64");
    let path = desk.path(&format!("{word}.tar"));
    let folder = path.parent().expect("a folder");
    oci(folder, &format!("{word}.tar"), &[(&image, "amd64")])
        .display()
        .to_string()
}

/// The life of a stack, by every command that calls AWS but `bootstrap`, until one fails.
fn live(desk: &Desk) -> Result<(), (String, Said)> {
    let (first, second) = (archive(desk, "first"), archive(desk, "second"));
    let key = "APP_FOURSQUARE_API_KEY";
    let mut id = String::new();
    let steps: &[&[&str]] = &[
        &["state", "bootstrap"],
        &["apply", "--yes"],
        &["deploy", "--image", &first],
        &["deploy", "--image", &second, "--migrate"],
        &["rollback"],
        &["redeploy"],
        &["secrets", "set", key, "--from-env", "KEY"],
        &["secrets", "rotate", "APP_JWT_SECRET_KEY"],
        &["secrets", "rotate", "APP_DATABASE_URL"],
        &["secrets", "unset", key],
        &["secrets", "list"],
        &["apply", "--yes"],
        &["plan"],
        &["drift"],
        &["status"],
        &["outputs"],
        &["logs"],
        &["releases"],
        &["history"],
        &["state", "list"],
        &["state", "mv", "network/vpc", "network/moved"],
        &["state", "mv", "network/moved", "network/vpc"],
        &["state", "show", "network/vpc", "--json"],
        &["state", "rm", "network/vpc"],
        &["state", "import", "network/vpc", "ID"],
        &["apply", "--yes"],
        &["destroy", "--yes"],
    ];
    for step in steps {
        let step: Vec<&str> = step
            .iter()
            .map(|word| if *word == "ID" { &id } else { *word })
            .collect();
        let done = said(desk.command(&step).env("KEY", "a-key-of-an-operator"));
        if done.code != Some(0) {
            return Err((step.join(" "), done));
        }
        if step.contains(&"show") {
            let mut words = done.out.split('"');
            id = words
                .find(|word| word.starts_with("vpc-"))
                .expect("an id")
                .to_owned();
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_enough_for_every_command() {
    let desk = desk();
    let documents = printed(&desk, &[]);
    assert!(documents.len() <= 10, "more than a role may have attached");
    grant(&desk, &statements(&documents)).await;
    if let Err((step, done)) = live(&desk) {
        panic!("{step}\n{}", done.all());
    }
}

/// Statements whose rights this life does not use: deletes of what is gone from the file by then,
/// and a denial.
const UNUSED: [&str; 2] = ["NeverAssumeTaskRoles", "FinalSnapshots"];

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_is_idle() {
    let step = match std::env::var_os("CIRCLES_TEST_ALL") {
        Some(_) => 1,
        None => 12,
    };
    let desk = desk();
    let all = statements(&printed(&desk, &[]));
    let each = all
        .iter()
        .filter(|one| !UNUSED.contains(&one["Sid"].as_str().unwrap_or("")));
    for left_out in each.step_by(step) {
        let rest: Vec<Json> = all.iter().filter(|one| *one != left_out).cloned().collect();
        if !grant(&desk, &rest).await {
            return;
        }
        let Err((step, done)) = live(&desk) else {
            panic!("{} was not missed", left_out["Sid"]);
        };
        let text = done.all();
        // Of a state in S3 the bucket's own message tells.
        assert!(
            text.contains("lacks the IAM action") || text.contains("may not s3:"),
            "{}: {step}\n{text}",
            left_out["Sid"]
        );
        assert!(
            text.contains("circles-infra permissions"),
            "{}: {step}\n{text}",
            left_out["Sid"]
        );
        desk.aws.control("POST", "reset", &Json::Null).await;
    }
}

/// As much of a secret as a reader may see: presence, versions, names of keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_reads_no_values_sees_the_same_plan() {
    let desk = Desk::circles();
    let every = statements(&printed(&desk, &[]));
    let reading = statements(&printed(&desk, &["--read-only"]));
    let values = [
        "secretsmanager:GetSecretValue",
        "secretsmanager:BatchGetSecretValue",
        "kms:Decrypt",
    ];
    assert!(
        actions(&reading)
            .iter()
            .all(|action| !values.contains(&action.as_str()))
    );
    let plan = async |rights: &[Json], name: &str| {
        grant(&desk, rights).await;
        let path = desk.text_of(name);
        let done = desk.expect(&["plan", "--out", &path], 0);
        (
            done.out,
            std::fs::read_to_string(path).expect("a plan file"),
        )
    };
    grant(&desk, &every).await;
    desk.expect(&["apply", "--yes"], 0);
    assert_eq!(plan(&reading, "a").await, plan(&every, "b").await);
    // With something to do, to a secret's keys among others.
    desk.edit(
        "APP_METRICS_TOKEN: { generate: 32 }",
        "APP_OTHER_TOKEN: { generate: 32 }",
    );
    desk.edit("retention_days: ${var.log_retention}", "retention_days: 60");
    let read = plan(&reading, "c").await;
    assert_eq!(read, plan(&every, "d").await);
    assert!(read.1.contains("APP_OTHER_TOKEN"), "{}", read.1);
    grant(&desk, &reading).await;
    for verb in ["drift", "outputs", "releases", "logs", "history"] {
        desk.expect(&[verb], 0);
    }
    // Without an image no service serves.
    desk.expect(&["status"], 77);
    desk.expect(&["secrets", "list"], 0);
    let denied = desk.expect(&["secrets", "get", "APP_JWT_SECRET_KEY", "--reveal"], 1);
    assert!(!denied.out.contains("APP_"), "{}", denied.all());
    // Somebody else writes a version that the state has not seen.
    grant(&desk, &every).await;
    desk.boto(
        "secrets.put_secret_value(SecretId='circles/app-config', SecretString='{\"A\": \"b\"}')",
    );
    grant(&desk, &reading).await;
    let noted = desk.expect(&["plan"], 0).all();
    assert!(
        noted.contains("values not readable with these rights"),
        "{noted}"
    );
    grant(&desk, &every).await;
    let seen = desk.expect(&["plan"], 0).all();
    assert!(!seen.contains("not readable"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_file_can_be_deleted() {
    let desk = Desk::alone(
        "
stack: left
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  kept: { type: logs.log_group, name: /left/kept }
  logs: { type: logs.log_group, name: /elsewhere/logs }
  repository: { type: ecr.repository, name: elsewhere-app, force_delete: true }
  secret: { type: secretsmanager.secret, name: elsewhere/key, recovery_window: 0, keys: { A: { generate: 20 } } }
  bucket: { type: s3.bucket, name: left-media, force_destroy: true }
  vpc: { type: ec2.vpc, cidr: 10.0.0.0/16 }
  endpoint: { type: ec2.vpc_endpoint, vpc_id: '${vpc.id}', service_name: com.amazonaws.us-east-1.s3 }
  role:
    type: iam.role
    name: elsewhere-role
    assume_role_policy: { Version: '2012-10-17', Statement: [{ Effect: Allow, Principal: { Service: ecs-tasks.amazonaws.com }, Action: 'sts:AssumeRole' }] }
",
    );
    grant(&desk, &statements(&printed(&desk, &[]))).await;
    desk.expect(&["apply", "--yes"], 0);
    desk.write(
        "
stack: left
region: us-east-1
default_environment: dev
environments: { dev: { ephemeral: true } }
resources:
  kept: { type: logs.log_group, name: /left/kept }
",
    );
    grant(&desk, &statements(&printed(&desk, &[]))).await;
    desk.expect(&["apply", "--yes"], 0);
    desk.settled(&[]);
    assert_eq!(desk.expect(&["state", "list"], 0).out.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_prepared_once() {
    let desk = desk();
    let rights = statements(&printed(&desk, &["--for", "bootstrap"]));
    grant(&desk, &rights).await;
    let asked = desk.expect(&["bootstrap", "--github", "acme/circles"], 1);
    assert!(
        asked.err.contains("+ create the role circles-ship"),
        "{}",
        asked.all()
    );
    assert!(
        asked.err.contains(&format!("+ create the bucket {BUCKET}")),
        "{}",
        asked.all()
    );
    let once = desk.expect(
        &["bootstrap", "--github", "acme/circles:production", "--yes"],
        0,
    );
    assert!(
        once.out
            .contains("role/circles-infra-pipeline/circles-plan"),
        "{}",
        once.all()
    );
    let again = desk.expect(
        &["bootstrap", "--github", "acme/circles:production", "--yes"],
        0,
    );
    assert!(again.err.contains("Nothing to do"), "{}", again.all());
    assert_eq!(again.out, once.out);
    desk.aws
        .control("POST", "iam", &json!({ "allow": null }))
        .await;
    let facts = desk.boto(
        "
for role in ('circles-plan', 'circles-ship'):
    trust = iam.get_role(RoleName=role)['Role']['AssumeRolePolicyDocument']
    attached = iam.list_attached_role_policies(RoleName=role)['AttachedPolicies']
    condition = trust['Statement'][0]['Condition']['StringEquals']
    print(role, condition['token.actions.githubusercontent.com:sub'], sorted(one['PolicyName'] for one in attached))
",
    );
    insta::assert_snapshot!(facts, @"
    circles-plan ['repo:acme/circles:pull_request', 'repo:acme/circles:ref:refs/heads/main'] ['circles-read']
    circles-ship repo:acme/circles:environment:production ['circles-data', 'circles-network', 'circles-read', 'circles-roles', 'circles-services', 'circles-state']
    ");
    // What somebody changed by hand is changed back; nothing else is touched.
    desk.boto("iam.attach_role_policy(RoleName='circles-plan', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')");
    grant(&desk, &rights).await;
    let repaired = desk.expect(
        &["bootstrap", "--github", "acme/circles:production", "--yes"],
        0,
    );
    assert!(
        repaired
            .err
            .contains("~ update the role circles-plan: managed_policies"),
        "{}",
        repaired.all()
    );
    assert!(
        !repaired.err.contains("circles-ship:"),
        "{}",
        repaired.all()
    );
    // Whoever prepares an account cannot apply with that.
    grant(&desk, &rights).await;
    desk.expect(&["apply", "--yes"], 1);
}
