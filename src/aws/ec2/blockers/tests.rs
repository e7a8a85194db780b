use aws_sdk_ec2::types::Tag;

use super::*;

fn scope() -> Scope {
    Scope {
        stack: "shop".into(),
        environment: "dev".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
    }
}

fn refused() -> CloudError {
    CloudError::new(
        "ec2:DeleteSubnet",
        Class::InUse,
        "DependencyViolation",
        "The subnet 'subnet-1' has dependencies and cannot be deleted.",
    )
}

fn interface(description: &str, requester_managed: bool, in_use: bool) -> InterfaceInfo {
    InterfaceInfo {
        id: "eni-1".into(),
        description: description.into(),
        interface_type: "interface".into(),
        requester: String::new(),
        subnet: "subnet-1".into(),
        security_groups: Vec::new(),
        in_use,
        is_public: false,
        requester_managed,
    }
}

#[test]
fn what_a_service_of_aws_leaves_is_waited_for() {
    for description in [
        "ELB app/web/1a2b",
        "arn:aws:ecs:us-east-1:111122223333:attachment/1",
        "RDSNetworkInterface",
        "Interface for NAT Gateway nat-1",
        "AWS Lambda VPC ENI-report",
    ] {
        let blocker = of_interface(&interface(description, true, true));
        assert_eq!(blocker.remedy, None, "{description}");
        let error = judge(refused(), &[blocker]);
        assert_eq!(error.class, Class::InUse);
        assert!(error.message.contains("eni-1") && error.message.contains(description));
    }
}

#[test]
fn what_somebody_made_is_named_with_the_way_out() {
    for (in_use, command) in [
        (
            false,
            "aws ec2 delete-network-interface --network-interface-id eni-1",
        ),
        (
            true,
            "aws ec2 describe-network-interfaces --network-interface-ids eni-1",
        ),
    ] {
        let own = of_interface(&interface("somebody's function", false, in_use));
        let leaving = of_interface(&interface("ELB app/web/1a2b", true, true));
        let error = judge(refused(), &[leaving, own]);
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains(command), "{}", error.message);
        assert!(!error.message.contains("ELB app"), "{}", error.message);
    }
}

#[test]
fn an_endpoint_of_guardduty_says_why_it_comes_back() {
    let endpoint = |key: &str, state: &str| {
        VpcEndpoint::builder()
            .vpc_endpoint_id("vpce-1")
            .service_name("com.amazonaws.us-east-1.guardduty-data")
            .state(state.into())
            .tags(Tag::builder().key(key).value("true").build())
            .build()
    };
    let foreign = of_endpoint(&scope(), &endpoint(GUARDDUTY_TAG, "available"));
    assert!(foreign.text.contains("GuardDuty"), "{}", foreign.text);
    let command = "aws ec2 delete-vpc-endpoints --vpc-endpoint-ids vpce-1";
    assert_eq!(foreign.remedy.as_deref(), Some(command));
    let going = of_endpoint(&scope(), &endpoint(GUARDDUTY_TAG, "deleting"));
    assert_eq!(going.remedy, None);
    let other = of_endpoint(&scope(), &endpoint("Name", "available"));
    assert!(!other.text.contains("GuardDuty") || other.text.contains("guardduty-data"));
    assert!(other.remedy.is_some());
}

#[test]
fn groups_of_others_are_told_from_ours() {
    let group = |name: &str| {
        SecurityGroup::builder()
            .group_id("sg-1")
            .group_name(name)
            .build()
    };
    assert_eq!(of_group(&scope(), &group("default")), None);
    let foreign = of_group(&scope(), &group("GuardDutyManagedSecurityGroup-vpc-1"));
    assert!(foreign.is_some_and(|one| one.text.contains("of GuardDuty") && one.remedy.is_some()));
}

#[test]
fn many_blockers_are_counted() {
    let all: Vec<Blocker> = (0..7)
        .map(|number| Blocker {
            text: format!("network interface eni-{number}"),
            remedy: None,
        })
        .collect();
    let message = judge(refused(), &all).message;
    assert!(
        message.contains("eni-3; 3 more") && !message.contains("eni-4"),
        "{message}"
    );
    assert_eq!(judge(refused(), &[]).message, refused().message);
}
