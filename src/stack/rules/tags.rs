//! Tags as each service takes them.

use std::collections::BTreeMap;

use super::Seen;
use crate::diagnostic::code;
use crate::stack::desk::Desk;

/// Tags of a resource, those of AWS not counted (IAM, EC2, ELB, RDS, ECS: 50).
const MOST: usize = 50;
/// What this program adds: stack, environment, region, address, generation.
const OURS: usize = 5;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for resource in seen.resources {
        let count = resource.tags.len() + OURS;
        if count > MOST {
            desk.error(
                code::OUT_OF_BOUNDS,
                seen.span(resource, "tags"),
                format!(
                    "`{}` has {count} tags, {OURS} of them from this program; at most {MOST} are allowed",
                    resource.address
                ),
            )
            .help("leave some out");
            break;
        }
    }
    // IAM takes keys that differ in case alone for one (API reference, TagRole).
    for resource in seen
        .resources
        .iter()
        .filter(|r| r.kind.as_str().starts_with("iam."))
    {
        let mut keys: BTreeMap<String, &str> = BTreeMap::new();
        for key in resource.tags.keys() {
            let Some(other) = keys.insert(key.to_lowercase(), key) else {
                continue;
            };
            desk.error(
                code::NAME_RULE,
                seen.span(resource, "tags"),
                format!(
                    "the tags `{other}` and `{key}` differ in case alone, which IAM takes for one (`{}`)",
                    resource.address
                ),
            )
            .help("keep one spelling");
            // The stack's tags stand on all of them.
            return;
        }
    }
}
