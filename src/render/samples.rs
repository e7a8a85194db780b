//! Plans and runs made by hand, with every act, cause, note and refusal in them.

mod remarks;
mod runs;

pub use runs::{a_good_run, a_run};

use remarks::{notes, refusals};

use crate::model::{
    Address, Attributes, Expr, KindName, Origin, Part, PhysicalId, Reference, SecretRef, Tags,
    Value,
};
use crate::plan::{Act, Cause, ChangedBy, Header, Line, Mode, Plan, Step, StepId, Why};

pub fn header() -> Header {
    Header {
        stack: "circles".into(),
        environment: "dev".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
        endpoint: Some("http://127.0.0.1:5000".into()),
        sandbox: true,
        ephemeral: true,
        protect: false,
        digest: "d1".into(),
        mode: Mode::Apply,
    }
}

pub fn empty() -> Plan {
    Plan {
        header: header(),
        steps: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        outputs: vec![("aws_region".into(), "us-east-1".into())],
        same_outputs: Default::default(),
        unchanged: 37,
        unwaited: Default::default(),
    }
}

pub fn step(id: usize, address: &str, kind: &'static str, act: Act) -> Step {
    Step {
        id: StepId(id),
        address: address.into(),
        kind: KindName::new(kind),
        generation: 1,
        act,
        after: Vec::new(),
        origin: None,
        downtime: None,
        loses_data: false,
    }
}

pub fn line(field: &str, from: impl Into<Value>, to: impl Into<Value>) -> Line {
    Line {
        field: field.into(),
        from: from.into(),
        to: to.into(),
        changed_by: ChangedBy::Stack,
    }
}

fn drifted(line: Line) -> Line {
    Line {
        changed_by: ChangedBy::Outside,
        ..line
    }
}

fn create(desired: Attributes) -> Act {
    Act::Create {
        desired,
        tags: tags(),
        replaces: false,
        because: Vec::new(),
    }
}

fn replace(because: Vec<Cause>) -> Act {
    Act::Create {
        desired: Attributes::new([("name", Value::text("circles-tg-2"))]),
        tags: tags(),
        replaces: true,
        because,
    }
}

fn update(id: &str, changes: Vec<Line>) -> Act {
    Act::Update {
        id: PhysicalId::new(id),
        desired: Attributes::default(),
        tags: tags(),
        changes,
        moved_from: None,
    }
}

fn delete(id: &str, why: Why) -> Act {
    Act::Delete {
        id: PhysicalId::new(id),
        why,
        last: Attributes::default(),
    }
}

fn tags() -> Tags {
    Tags::from([
        ("Name".into(), "circles-x".into()),
        ("Project".into(), "circles".into()),
        ("circles-infra:address".into(), "x".into()),
    ])
}

fn secret(key: &str) -> Value {
    Value::Expr(Expr(vec![Part::Secret(SecretRef {
        address: "config".into(),
        key: key.into(),
    })]))
}

fn policy(action: &str) -> Value {
    Value::text(format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Read","Effect":"Allow","Action":["{action}"],"Resource":"*"}},{{"Sid":"Logs","Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}}]}}"#
    ))
}

/// Every act, cause, kind of note and refusal once.
pub fn every_act() -> Plan {
    let mut steps = vec![
        step(0, "network/vpc", "ec2.vpc", create(vpc())),
        updates(1),
        step(
            2,
            "role",
            "iam.role",
            update(
                "circles-us-east-1-task",
                vec![line(
                    "policy",
                    policy("s3:GetObject"),
                    policy("s3:PutObject"),
                )],
            ),
        ),
        moved(3),
    ];
    replacements(&mut steps);
    endings(&mut steps);
    Plan {
        header: header(),
        steps,
        notes: notes(),
        refusals: refusals(),
        outputs: vec![
            (
                "alb_dns_name".into(),
                Value::reference(&Address::new("alb"), "dns_name"),
            ),
            ("aws_region".into(), "us-east-1".into()),
            ("jwt".into(), secret("JWT")),
        ],
        same_outputs: ["aws_region".into()].into(),
        unchanged: 12,
        unwaited: ["service".into()].into(),
    }
}

fn vpc() -> Attributes {
    Attributes::new([
        ("cidr", Value::text("10.0.0.0/16")),
        ("dns_hostnames", true.into()),
        (
            "gateway_id",
            Value::reference(&Address::new("network/igw"), "id"),
        ),
        (
            "endpoint",
            Value::Expr(Expr(vec![
                Part::Text("https://".into()),
                Part::Ref(Reference {
                    address: "alb".into(),
                    attribute: "dns_name".into(),
                }),
            ])),
        ),
        (
            "environment",
            Value::map([("A", Value::text("1")), ("B", secret("JWT"))]),
        ),
        (
            "rules",
            Value::List(vec![Value::map([
                ("port", Value::Int(80)),
                ("from", vec!["0.0.0.0/0", "::/0"].into()),
            ])]),
        ),
        ("unset", Value::Null),
    ])
}

fn updates(id: usize) -> Step {
    Step {
        downtime: Some("the service is down for some seconds".into()),
        origin: Some(Origin {
            file: "stacks/circles.yaml".into(),
            start: 10,
            end: 20,
            line: 3,
        }),
        ..step(
            id,
            "alb/balancer",
            "elbv2.load_balancer",
            update(
                "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/circles-alb/1",
                vec![
                    drifted(line("idle_timeout", 60, 180)),
                    line(
                        "subnets",
                        vec!["subnet-1", "subnet-2"],
                        vec!["subnet-2", "subnet-3"],
                    ),
                    line(
                        "tags",
                        Value::map([("Team", Value::text("a"))]),
                        Value::map([("Owner", Value::text("b"))]),
                    ),
                    line("password", secret("OLD"), secret("NEW")),
                    line(
                        "certificate_arn",
                        Value::Null,
                        Value::reference(&"cert".into(), "arn"),
                    ),
                ],
            ),
        )
    }
}

fn moved(id: usize) -> Step {
    let act = Act::Update {
        id: PhysicalId::new("/ecs/circles"),
        desired: Attributes::default(),
        tags: tags(),
        changes: vec![line(
            "tags",
            Value::map([("circles-infra:address", Value::text("old-logs"))]),
            Value::map([("circles-infra:address", Value::text("logs"))]),
        )],
        moved_from: Some("old-logs".into()),
    };
    step(id, "logs", "logs.group", act)
}

/// A service that an earlier run did not see become ready.
pub fn waiting(id: usize) -> Step {
    step(
        id,
        "service",
        "ecs.service",
        update("arn:svc/circles-svc", Vec::new()),
    )
}

/// A target group made before the old one goes, a database the other way round, and the remaining causes.
fn replacements(steps: &mut Vec<Step>) {
    let new = steps.len();
    steps.push(Step {
        generation: 2,
        ..step(
            new,
            "alb/target-group",
            "elbv2.target_group",
            replace(vec![Cause::Field(line("port", 8000, 8080))]),
        )
    });
    steps.push(Step {
        after: vec![StepId(new)],
        ..step(
            new + 1,
            "alb/target-group",
            "elbv2.target_group",
            delete("arn:tg/circles-tg", Why::Replaced),
        )
    });
    let old = new + 2;
    steps.push(Step {
        loses_data: true,
        ..step(
            old,
            "db",
            "rds.instance",
            delete("circles-db", Why::Replaced),
        )
    });
    let because = vec![
        Cause::Field(drifted(line("engine", "mysql", "postgres"))),
        Cause::Broken {
            why: "AWS says `incompatible-restore`".into(),
        },
        Cause::Asked,
        Cause::Holds {
            address: "network/subnet-group".into(),
        },
        Cause::Kind {
            was: KindName::new("rds.cluster"),
        },
    ];
    steps.push(Step {
        after: vec![StepId(old)],
        downtime: Some("the database is away for about 10 min".into()),
        ..step(old + 1, "db", "rds.instance", replace(because))
    });
}

fn endings(steps: &mut Vec<Step>) {
    for (address, kind, id, why) in [
        ("queue", "sqs.queue", "circles-queue", Why::NotInStack),
        ("lost", "s3.bucket", "circles-lost", Why::NotInStack),
        ("nat", "ec2.nat_gateway", "nat-0a", Why::Superseded),
        ("eip", "ec2.eip", "eipalloc-1", Why::Destroy),
        ("cluster", "ecs.cluster", "circles", Why::Unfinished),
        ("listener", "elbv2.listener", "arn:l/1", Why::Replaced),
    ] {
        steps.push(step(steps.len(), address, kind, delete(id, why)));
    }
    let act = Act::Forget {
        id: PhysicalId::new("circles-media"),
        last: Attributes::default(),
    };
    steps.push(step(steps.len(), "media", "s3.bucket", act));
}

/// A plan that creates `n` resources.
pub fn large(n: usize) -> Plan {
    Plan {
        steps: (0..n)
            .map(|id| step(id, &format!("bucket-{id}"), "s3.bucket", create(vpc())))
            .collect(),
        ..empty()
    }
}
