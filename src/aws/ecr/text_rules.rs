//! What ECR accepts as names (API reference: CreateRepository, ImageTagMutabilityExclusionFilter).

use crate::kind::TextRule;

pub const REPOSITORY: TextRule = TextRule::length(2, 256).lowercase("-_./").check(|name| {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_part = |part: &str| edge(part.chars().next()) && edge(part.chars().last());
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some("it must start with a letter");
    }
    (!name.split('/').all(is_part))
        .then_some("each part between slashes must start and end with a letter or digit")
});
pub const TAG_FILTER: TextRule = TextRule::length(1, 128)
    .of("_.-*")
    .check(|filter| (filter.matches('*').count() > 2).then_some("it must contain at most two `*`"));
