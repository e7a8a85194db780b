//! What IAM accepts as names and paths (API reference: CreateRole, CreatePolicy, PutRolePolicy).

use crate::kind::{TextRule, is_arn_of};

pub const ROLE_NAME: TextRule = TextRule::length(1, 64).of("_+=,.@-");
pub const POLICY_NAME: TextRule = TextRule::length(1, 128).of("_+=,.@-");
pub const PATH: TextRule = TextRule::length(1, 512)
    .check(|path| {
        if !path.starts_with('/') || !path.ends_with('/') {
            return Some("it must start and end with `/`");
        }
        path.contains(|c: char| !c.is_ascii_graphic())
            .then_some("it must not contain white space or characters beyond ASCII")
    })
    .example("/circles-infra/");
pub const DESCRIPTION: TextRule = TextRule::length(0, 1000);
pub const POLICY_ARN: TextRule = TextRule::length(20, 2048)
    .check(|text| {
        (!(is_arn_of(text, "iam") && text.contains(":policy/")))
            .then_some("it must be the ARN of a policy")
    })
    .example("arn:aws:iam::aws:policy/ReadOnlyAccess");
pub const ROLE_ARN: TextRule = TextRule::length(20, 2048)
    .check(|text| {
        (!(is_arn_of(text, "iam") && text.contains(":role/")))
            .then_some("it must be the ARN of a role")
    })
    .example("arn:aws:iam::111122223333:role/app");
