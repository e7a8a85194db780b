//! Whose word on a service's image counts. The stack file's does until the first release; from then on what runs is what was
//! released, by this program's `deploy` or by somebody's pipeline, and an apply keeps it. Pure.
//!
//! What was released is read off AWS, so it survives a state that is lost: the revision that the service runs, and the tags that
//! `deploy` puts on it (an apply hands them on to the revisions it registers).

use super::Sighting;
use crate::kind::Observed;
use crate::model::{Attributes, Ownership, Scope, TAG_PREFIX, Tags, Value};

/// Tags of a released revision. All begin with [`TAG_PREFIX`].
pub const RELEASE: &str = "circles-infra:release";
/// The tag, digest or archive that the release was made of.
pub const SOURCE: &str = "circles-infra:source";
/// What the stack file named as the image then.
pub const STACK_IMAGE: &str = "circles-infra:stack-image";
pub const RELEASED_BY: &str = "circles-infra:released-by";
/// RFC 3339, UTC.
pub const RELEASED_AT: &str = "circles-infra:released-at";
pub const COMMIT: &str = "circles-infra:commit";
/// Why a roll-out of this revision was given up. Not handed on.
pub const REJECTED: &str = "circles-infra:rejected";
/// Since when it has been known to run well (RFC 3339, UTC): what `rollback` may go back to.
pub const RAN: &str = "circles-infra:ran";
/// The release's name where a pipeline of its own shipped the image.
pub const OUTSIDE: &str = "outside";

const HANDED_ON: [&str; 7] = [
    RELEASE,
    SOURCE,
    STACK_IMAGE,
    RELEASED_BY,
    RELEASED_AT,
    COMMIT,
    RAN,
];

/// What two revisions may differ in and still not run the same. Their numbers and tags are nothing that runs.
const CONTENT: [&str; 6] = [
    "cpu",
    "memory",
    "architecture",
    "execution_role",
    "task_role",
    "containers",
];

/// What is known of one service's image.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub scope: &'a Scope,
    /// The revision that stands for the family: the newest of ours.
    pub known: &'a Sighting,
    /// The revision that the service runs, where it is another one.
    pub running: Option<&'a Observed>,
    /// The image as the state remembers it.
    pub recorded: Option<&'a str>,
    /// The image as the stack file says it; `None` while it is not known.
    pub stack: Option<&'a str>,
    pub container: &'a str,
}

/// What follows for planning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// The running revision stands for the family, not the newest of ours.
    pub take_running: bool,
    /// The image that counts instead of the stack file's, and the tags that go with it.
    pub keep: Option<(String, Tags)>,
    /// The stack file names another image than when the release was made.
    pub moved_on: bool,
}

/// The image of one container of a task definition.
pub fn image_of<'a>(definition: &'a Attributes, container: &str) -> Option<&'a str> {
    let containers = definition.get("containers").as_list()?;
    let named = containers
        .iter()
        .filter_map(Value::as_map)
        .find(|one| one.get("name").and_then(Value::as_text) == Some(container));
    named?.get("image")?.as_text()
}

/// The same definition with another image in that container.
pub fn with_image(definition: &Attributes, container: &str, image: Value) -> Attributes {
    let mut containers = definition
        .get("containers")
        .as_list()
        .unwrap_or_default()
        .to_vec();
    for one in &mut containers {
        if let Value::Map(map) = one
            && map.get("name").and_then(Value::as_text) == Some(container)
        {
            map.insert("image".into(), image.clone());
        }
    }
    let mut definition = definition.clone();
    definition.set("containers", Value::List(containers));
    definition
}

/// The tags of a release, of those that a revision carries.
pub fn tags_of(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| HANDED_ON.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

pub fn rule(facts: &Facts<'_>) -> Ruling {
    let known_image = image_of(&facts.known.observed.attributes, facts.container);
    let running = facts
        .running
        .filter(|running| stands(facts, running, known_image));
    let current = running.unwrap_or(&facts.known.observed);
    let Some(image) = image_of(&current.attributes, facts.container) else {
        return Ruling::default();
    };
    let take_running = running.is_some();
    if !released(facts, current, image, take_running) {
        return Ruling {
            take_running,
            ..Ruling::default()
        };
    }
    let mut tags = tags_of(&current.tags);
    if tags.is_empty() && known_image == Some(image) {
        // Somebody changed something else: it is still that release.
        tags = tags_of(&facts.known.observed.tags);
    }
    tags.entry(RELEASE.into()).or_insert_with(|| OUTSIDE.into());
    let before = tags
        .get(STACK_IMAGE)
        .map(String::as_str)
        .or(known_image.filter(|_| take_running));
    let moved_on = match (before, facts.stack) {
        (Some(before), Some(now)) => !names(now, before) && now != image,
        _ => false,
    };
    Ruling {
        take_running,
        keep: Some((image.to_owned(), tags)),
        moved_on,
    }
}

/// Whether the running revision stands for the family. One of ours with the same image and other contents does not: the newer one is an
/// apply's that was not rolled out.
fn stands(facts: &Facts<'_>, running: &Observed, known_image: Option<&str>) -> bool {
    let known = &facts.known.observed.attributes;
    image_of(&running.attributes, facts.container) != known_image
        || !is_of(facts.scope, &running.tags)
        || running.attributes.only(&CONTENT) == known.only(&CONTENT)
}

fn is_of(scope: &Scope, tags: &Tags) -> bool {
    Ownership::read(tags).is_some_and(|owner| owner.is_of(scope))
}

/// Whether an image in full is what a tag, a digest or a whole name says.
fn names(image: &str, said: &str) -> bool {
    image == said
        || image
            .strip_suffix(said)
            .is_some_and(|rest| rest.ends_with(':') || rest.ends_with('@'))
}

fn released(facts: &Facts<'_>, current: &Observed, image: &str, take_running: bool) -> bool {
    if current.tags.contains_key(RELEASE) {
        return true;
    }
    if !is_of(facts.scope, &current.tags) {
        return true;
    }
    match facts.recorded {
        // An apply of ours put it there, and nobody has changed it since.
        Some(recorded) if recorded == image => false,
        Some(_) => true,
        // Nobody remembers. An image that is not the stack file's is rather kept than replaced.
        None => take_running || facts.stack.is_some_and(|stack| stack != image),
    }
}

/// The tags that a revision shall carry in its place in the plan: what is wished for, so that somebody else's revision is no change.
pub fn as_wished(wished: &Tags, ownership: &Ownership) -> Tags {
    let mut tags = wished.clone();
    tags.extend(ownership.tags());
    tags
}

/// A text that a tag may hold (ECS API reference, Tag): other characters become `_`, and what is too long ends early.
pub fn tag_text(text: &str) -> String {
    let fits = |c: char| {
        if c.is_alphanumeric() || matches!(c, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/' | '@') {
            c
        } else {
            '_'
        }
    };
    text.chars().map(fits).take(256).collect()
}

/// Whether a tag key is this program's own.
pub fn is_ours(key: &str) -> bool {
    key.starts_with(TAG_PREFIX)
}

#[cfg(test)]
mod tests;
