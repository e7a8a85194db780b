//! What EC2 accepts as names and ids (API reference: CreateSecurityGroup, IpPermission; resource ids: EC2 user guide, "Resource IDs").

use crate::kind::TextRule;

const GROUP_CHARACTERS: &str = " ._-:/()#,@[]+=&;{}!$*";

pub const GROUP_NAME: TextRule = TextRule::length(1, 255).of(GROUP_CHARACTERS).check(|name| {
    name.starts_with("sg-")
        .then_some("it must not start with `sg-`, which is reserved")
});
pub const GROUP_DESCRIPTION: TextRule = TextRule::length(1, 255).of(GROUP_CHARACTERS);
pub const RULE_DESCRIPTION: TextRule = TextRule::length(0, 255).of(GROUP_CHARACTERS);

pub const VPC_ID: TextRule = TextRule::length(5, 64)
    .of("-")
    .check(|id| (!id.starts_with("vpc-")).then_some("it must be the id of a VPC, `vpc-…`"));
pub const SUBNET_ID: TextRule = TextRule::length(8, 64).of("-").check(|id| {
    (!id.starts_with("subnet-")).then_some("it must be the id of a subnet, `subnet-…`")
});
pub const GROUP_ID: TextRule = TextRule::length(4, 64).of("-").check(|id| {
    (!id.starts_with("sg-")).then_some("it must be the id of a security group, `sg-…`")
});
pub const ALLOCATION_ID: TextRule = TextRule::length(10, 64).of("-").check(|id| {
    (!id.starts_with("eipalloc-"))
        .then_some("it must be the allocation id of an elastic IP, `eipalloc-…`")
});
pub const GATEWAY_ID: TextRule = TextRule::length(5, 64).of("-").check(|id| {
    (!id.starts_with("igw-")).then_some("it must be the id of an internet gateway, `igw-…`")
});
pub const NAT_GATEWAY_ID: TextRule = TextRule::length(5, 64)
    .of("-")
    .check(|id| (!id.starts_with("nat-")).then_some("it must be the id of a NAT gateway, `nat-…`"));
pub const ROUTE_TABLE_ID: TextRule = TextRule::length(5, 64)
    .of("-")
    .check(|id| (!id.starts_with("rtb-")).then_some("it must be the id of a route table, `rtb-…`"));
/// `com.amazonaws.REGION.SERVICE`, or a private service's `com.amazonaws.vpce.REGION.vpce-svc-…`.
pub const SERVICE_NAME: TextRule = TextRule::length(8, 255)
    .of("-._")
    .check(|name| {
        (name.split('.').count() < 4)
            .then_some("it must be a service's whole name, with its region")
    })
    .example("com.amazonaws.us-east-1.s3");
