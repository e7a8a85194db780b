//! Every example stack has its expected plan beside it, against an account with nothing of ours in it. `UPDATE_DOCS=1` writes them anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::local_aws::LocalAws;
use crate::standing::plain_commands;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// What `plan` prints: exit code, standard output, standard error.
fn plan(aws: &LocalAws, example: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let state = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_circles-infra"))
        .arg("--stack")
        .arg(folder().join(example).join("stack.yaml"))
        .args(more)
        .arg("plan")
        .env("AWS_ENDPOINT_URL", aws.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("CIRCLES_STATE_DIR", state.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    (
        output.status.code(),
        plain_commands(&String::from_utf8_lossy(&output.stdout)),
        plain_commands(&String::from_utf8_lossy(&output.stderr)),
    )
}

/// Ids are AWS's to choose.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["vpc-", "subnet-"]
        .iter()
        .filter_map(|mark| rest.find(&format!("\"{mark}")))
        .min()
    {
        let (before, after) = rest.split_at(at + 1);
        let mark = after.find('-').map_or(0, |dash| dash + 1);
        let digits = after[mark..]
            .chars()
            .take_while(char::is_ascii_hexdigit)
            .count();
        out.push_str(before);
        out.push_str(&after[..mark]);
        out.push('…');
        rest = &after[mark + digits..];
    }
    out.push_str(rest);
    out
}

fn expect(aws: &LocalAws, example: &str) {
    let (code, out, err) = plan(aws, example, &[]);
    assert_eq!(code, Some(0), "{example}\n{err}");
    let out = without_ids(&out);
    let path = folder().join(example).join("plan.txt");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &out).expect("a written plan");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(out, expected, "{example}: see UPDATE_DOCS");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_its_expected_plan() {
    let aws = LocalAws::start();
    share_a_network(&aws).await;
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the examples")
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("stack.yaml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    for name in &names {
        expect(&aws, name);
    }
    let (code, _, err) = plan(&aws, "dev-prod", &["--env", "prod"]);
    assert_eq!(code, Some(1), "prod belongs to another account");
    assert!(err.contains("belongs to account"), "{err}");
}

/// What the example in an existing VPC finds: a VPC and a cluster called `shared`, two public and two private subnets.
///
/// Long: a dozen calls in a row.
async fn share_a_network(aws: &LocalAws) {
    let config = aws.config().await;
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let named = TagSpecification::builder()
        .resource_type(ResourceType::Vpc)
        .tags(Tag::builder().key("Name").value("shared").build())
        .build();
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.9.0.0/16")
        .tag_specifications(named)
        .send()
        .await
        .expect("a VPC");
    let vpc = vpc
        .vpc()
        .and_then(|vpc| vpc.vpc_id())
        .expect("its id")
        .to_owned();
    let gateway = ec2
        .create_internet_gateway()
        .send()
        .await
        .expect("a gateway");
    let gateway = gateway
        .internet_gateway()
        .and_then(|g| g.internet_gateway_id())
        .expect("its id")
        .to_owned();
    ec2.attach_internet_gateway()
        .vpc_id(&vpc)
        .internet_gateway_id(&gateway)
        .send()
        .await
        .expect("attached");
    let table = ec2
        .create_route_table()
        .vpc_id(&vpc)
        .send()
        .await
        .expect("a table");
    let table = table
        .route_table()
        .and_then(|t| t.route_table_id())
        .expect("its id")
        .to_owned();
    ec2.create_route()
        .route_table_id(&table)
        .destination_cidr_block("0.0.0.0/0")
        .gateway_id(&gateway)
        .send()
        .await
        .expect("a route");
    for number in 1..=4 {
        let subnet = ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(format!("10.9.{number}.0/24"))
            .availability_zone(if number % 2 == 0 {
                "us-east-1a"
            } else {
                "us-east-1b"
            })
            .send()
            .await
            .expect("a subnet");
        if number <= 2 {
            let subnet = subnet.subnet().and_then(|s| s.subnet_id()).expect("its id");
            ec2.associate_route_table()
                .route_table_id(&table)
                .subnet_id(subnet)
                .send()
                .await
                .expect("associated");
        }
    }
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.create_cluster()
        .cluster_name("shared")
        .send()
        .await
        .expect("a cluster");
}
