use super::*;

fn spec(protocol: &str, from: Option<i32>, to: Option<i32>) -> RuleSpec {
    RuleSpec {
        protocol: protocol.into(),
        from_port: from,
        to_port: to,
        cidr: Some("10.0.0.9/8".into()),
        cidr_ipv6: None,
        security_group: None,
        description: Some(String::new()),
    }
}

#[test]
fn both_sides_come_to_one_form() -> Result<(), CloudError> {
    let wish = spec("6", Some(443), None).rule(Direction::Ingress)?;
    let live = LiveRule::read(
        &SecurityGroupRule::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .cidr_ipv4("10.0.0.0/8")
            .build(),
    );
    assert_eq!(live.map(|live| live.rule), Some(wish));
    let all = spec("all", None, None).rule(Direction::Egress)?;
    let live = LiveRule::read(
        &SecurityGroupRule::builder()
            .ip_protocol("-1")
            .from_port(-1)
            .to_port(-1)
            .cidr_ipv4("10.0.0.0/8")
            .is_egress(true)
            .build(),
    );
    assert_eq!(live.map(|live| live.rule), Some(all));
    Ok(())
}

#[test]
fn a_merged_permission_is_taken_apart() {
    let permission = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(80)
        .to_port(80)
        .ip_ranges(
            IpRange::builder()
                .cidr_ip("10.0.0.0/8")
                .description("in")
                .build(),
        )
        .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
        .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-2").build())
        .build();
    let group = SecurityGroup::builder()
        .ip_permissions(permission.clone())
        .ip_permissions_egress(permission)
        .build();
    let rules = of_group(&group);
    assert_eq!(rules.len(), 6);
    let first = &rules[0].rule;
    assert_eq!(first.ports, Some((80, 80)));
    assert_eq!(first.peer, Peer::V4("10.0.0.0/8".into()));
    assert_eq!(first.description.as_deref(), Some("in"));
    let inward = |rule: &&LiveRule| rule.direction == Direction::Ingress;
    assert_eq!(rules.iter().filter(inward).count(), 3);
}

#[test]
fn what_aws_would_read_differently_is_refused() {
    let mut two = spec("tcp", Some(1), None);
    two.security_group = Some("sg-1".into());
    let mut none = spec("tcp", Some(1), None);
    none.cidr = None;
    for wrong in [
        spec("-1", Some(0), Some(0)),
        spec("tcp", None, Some(80)),
        two,
        none,
    ] {
        let error = wrong.rule(Direction::Ingress).map_err(|e| e.class);
        assert_eq!(error, Err(Class::Invalid));
    }
}
