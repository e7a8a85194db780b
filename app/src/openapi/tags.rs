//! The groups of operations, in the order in which a client needs them.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

const TAGS: [(&str, &str); 17] = [
    (
        "onboarding",
        "Signing in by phone, and the first steps of an account",
    ),
    ("auth", "The account of the token"),
    (
        "users",
        "Profiles, interests, and what people show of themselves",
    ),
    ("follow", "Following people"),
    ("settings", "What others see, and what one is notified of"),
    ("places", "Finding places, and what is known of one"),
    (
        "lookups",
        "Countries, cities and neighborhoods that have places",
    ),
    (
        "check-ins",
        "Being at a place: check-ins, their photos, likes and comments",
    ),
    ("reviews", "Ratings of places, and their photos"),
    ("saved", "Places that somebody keeps"),
    ("collections", "Lists of places"),
    ("activity", "What the people one follows have done"),
    ("dms", "Direct messages of two people"),
    ("place chat", "The room of a place, for those who are there"),
    (
        "external",
        "Places that third parties know; some operations are for administrators",
    ),
    ("support", "Tickets"),
    ("system", "The service itself: health, readiness, metrics"),
];

pub(super) fn all() -> Vec<Tag> {
    let tag = |(name, text): (&str, &str)| {
        let tag = TagBuilder::new().name(name);
        tag.description(Some(text)).build()
    };
    TAGS.into_iter().map(tag).collect()
}
