//! What it takes to make a resource's tags those wished for; each service sends it with its own calls.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::kind::CloudError;
use crate::model::{Ownership, Tags};

/// How long the tags of a create may come later than its answer.
const TAGS_SHOWN: Duration = Duration::from_secs(20);

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

/// Whether the resource that a create has answered with was made by it: its tags say so, as soon as
/// they are shown. `read` gives `None` for one that AWS does not know yet, which is a new one.
pub async fn is_made_here<F>(wanted: &Tags, read: impl Fn() -> F) -> Result<bool, CloudError>
where
    F: Future<Output = Result<Option<Tags>, CloudError>>,
{
    let since = Instant::now();
    let mut gap = Duration::from_millis(100);
    loop {
        let Some(tags) = read().await? else {
            return Ok(true);
        };
        if Ownership::read(&tags).is_some() || since.elapsed() >= TAGS_SHOWN {
            return Ok(made_here(&tags, wanted));
        }
        sleep(gap).await;
        gap = (gap * 2).min(Duration::from_secs(2));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::{Address, Scope};

    #[tokio::test(start_paused = true)]
    async fn tags_that_come_late_are_awaited_and_others_are_not_taken() {
        let scope = Scope {
            stack: "s".into(),
            environment: "e".into(),
            account: "1".into(),
            region: "r".into(),
            partition: "aws".into(),
        };
        let of = |generation| Ownership::new(&scope, &Address::new("a"), generation).tags();
        let wanted = of(1);
        let shown_after = async |reads: usize, tags: &Tags| {
            let count = AtomicUsize::new(0);
            let read = || async {
                let late = count.fetch_add(1, Ordering::SeqCst) < reads;
                Ok(Some(if late { Tags::new() } else { tags.clone() }))
            };
            let ours = is_made_here(&wanted, read).await.unwrap();
            (ours, count.load(Ordering::SeqCst))
        };
        assert_eq!(shown_after(0, &wanted).await, (true, 1));
        assert_eq!(shown_after(3, &wanted).await, (true, 4));
        assert_eq!(shown_after(2, &of(2)).await, (false, 3));
        let (ours, reads) = shown_after(usize::MAX, &wanted).await;
        assert!(!ours && reads > 10);
        let unknown = is_made_here(&wanted, || async { Ok(None) }).await;
        assert!(unknown.unwrap());
    }

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
