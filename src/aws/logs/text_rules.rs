//! What CloudWatch Logs accepts as names (API reference, CreateLogGroup).

use crate::kind::TextRule;

pub const GROUP: TextRule = TextRule::length(1, 512)
    .of("_-/.#")
    .check(|name| {
        name.starts_with("aws/")
            .then_some("it must not start with `aws/`, which is reserved")
    })
    .example("/circles/app");
