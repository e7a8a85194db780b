//! What it takes to make a resource's tags those wished for; each service sends it with its own calls.

use crate::model::{Ownership, Tags};

/// Tags to set and keys to take away.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    pub set: Tags,
    pub gone: Vec<String>,
}

impl TagChange {
    pub fn between(live: &Tags, wanted: &Tags) -> Self {
        Self {
            set: wanted
                .iter()
                .filter(|(key, value)| live.get(*key) != Some(*value))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            gone: live
                .keys()
                .filter(|key| !wanted.contains_key(*key))
                .cloned()
                .collect(),
        }
    }
}

/// Whether what carries `live` was made for the very step whose tags are `wanted`: same stack, environment, region, address and
/// generation. Some creates succeed on what somebody else has made before.
pub fn made_here(live: &Tags, wanted: &Tags) -> bool {
    let owner = Ownership::read(live);
    owner.is_some() && owner == Ownership::read(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Scope};

    fn tags(entries: &[(&str, &str)]) -> Tags {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_what_differs_is_sent() {
        let live = tags(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let wanted = tags(&[("a", "1"), ("b", "other"), ("d", "4")]);
        let change = TagChange::between(&live, &wanted);
        assert_eq!(change.set, tags(&[("b", "other"), ("d", "4")]));
        assert_eq!(change.gone, ["c"]);
        assert_eq!(TagChange::between(&live, &live), TagChange::default());
    }

    #[test]
    fn another_generation_or_no_tags_at_all_are_not_of_this_step() {
        let scope = Scope {
            stack: "circles".into(),
            environment: "dev".into(),
            account: "1".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
        };
        let of = |generation| Ownership::new(&scope, &Address::from("lb"), generation).tags();
        assert!(made_here(&of(2), &of(2)));
        assert!(!made_here(&of(1), &of(2)));
        assert!(!made_here(&Tags::new(), &of(2)));
        assert!(!made_here(&Tags::new(), &Tags::new()));
    }
}
