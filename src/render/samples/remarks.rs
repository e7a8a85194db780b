//! Every kind of note and refusal.

use crate::model::{KindName, PhysicalId};
use crate::plan::{Note, Refusal};

pub(super) fn notes() -> Vec<Note> {
    vec![
        Note::Gone {
            address: "network/vpc".into(),
            id: PhysicalId::new("vpc-0old"),
        },
        Note::Gone {
            address: "network/igw".into(),
            id: PhysicalId::new("igw-0old"),
        },
        Note::Stray {
            address: "lost".into(),
            kind: KindName::new("s3.bucket"),
            id: PhysicalId::new("circles-lost"),
        },
        Note::FewerTasks {
            address: "service".into(),
            from: 4,
            to: 2,
        },
        Note::NoImage {
            address: "service".into(),
            repository: "circles-app".into(),
        },
        Note::Knot {
            address: "app/old-group".into(),
            holder: "alb/load-balancer".into(),
        },
        Note::NotSought {
            kind: KindName::new("elbv2.listener_rule"),
            call: "elasticloadbalancing:DescribeRules".into(),
            code: "NotImplemented".into(),
        },
        Note::LeftOut {
            address: "config".into(),
        },
        Note::Text {
            address: Some("service".into()),
            text: "it is not steady".into(),
        },
        Note::Text {
            address: None,
            text: "an unused variable".into(),
        },
    ]
}

pub(super) fn refusals() -> Vec<Refusal> {
    vec![
        Refusal::Protected {
            address: "db".into(),
            replace: true,
            outside: false,
        },
        Refusal::NameTaken {
            address: "repo".into(),
            kind: KindName::new("ecr.repository"),
            id: PhysicalId::new("circles-app"),
            owner: Some("circles/prod".into()),
        },
        Refusal::NameTaken {
            address: "logs".into(),
            kind: KindName::new("logs.group"),
            id: PhysicalId::new("/ecs/circles"),
            owner: None,
        },
        Refusal::LosesData {
            address: "media".into(),
            replace: false,
        },
        Refusal::Broken {
            address: "db".into(),
            why: "storage-full".into(),
        },
    ]
}
