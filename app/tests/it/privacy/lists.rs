//! The lists: trending, the feed, photos, and what hangs on one person.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Case, PEOPLE};
use crate::harness::{Client, World};

/// The check-ins whose pictures these are.
fn pictured(addresses: &Value) -> BTreeSet<i64> {
    let of = |address: &Value| {
        let (_, rest) = address.as_str()?.split_once("checkins/")?;
        rest.split('/').next()?.parse().ok()
    };
    let all = addresses.as_array().expect("a list of addresses");
    all.iter().map(|a| of(a).expect("a check-in's")).collect()
}

impl Case {
    /// Nobody is named there, and private check-ins do not count.
    pub(super) async fn check_trending(&self, world: &World) {
        let counted = self.levels.iter().filter(|l| l[1] != 2).count();
        let expected = i64::try_from(counted).expect("few");
        let mut told = None;
        // A ranking that was slow to make is shown for a few seconds more.
        for _ in 0..300 {
            let page = world
                .nobody()
                .get("/places/trending?city=Riyadh")
                .await
                .expect(200);
            let place = page["items"].as_array().expect("a list").first();
            told = place.map_or(Some(0), |p| p["recent_checkins_count"].as_i64());
            if told == Some(expected) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("trending tells {told:?} people, {expected} are not private: {self:?}");
    }

    pub(super) async fn check_feed(&self, people: &[Client], v: usize) {
        let feed = people[v].get("/activity/feed?limit=100").await.expect(200);
        let all = feed["items"].as_array().expect("a list");
        let mut expected = 0;
        for (o, owner) in people.iter().enumerate() {
            let either = self.blocks(o, v) || self.blocks(v, o);
            let followed = self.follows.contains(&(v, o)) && !either;
            let liked = (o + 1) % PEOPLE;
            for (kind, seen) in [
                ("checkin", self.sees_check_in(o, v)),
                ("like", self.sees_check_in(liked, v)),
                ("comment", self.sees_check_in(liked, v)),
                ("collection", self.can_view(o, v, self.levels[o][2])),
            ] {
                let told = all
                    .iter()
                    .any(|e| e["user_id"] == owner.id && e["activity_type"] == kind);
                assert_eq!(
                    told,
                    followed && seen,
                    "{kind} of {o} in the feed of {v}: {self:?}"
                );
                expected += i64::from(told);
            }
        }
        assert_eq!(
            feed["total"].as_i64(),
            Some(expected),
            "the feed of {v}: {self:?}"
        );
    }

    pub(super) async fn check_photos(&self, people: &[Client], v: usize) {
        let photos = people[v]
            .get("/places/1/photos?limit=100")
            .await
            .expect(200);
        let all = photos["items"].as_array().expect("a list");
        for (o, owner) in people.iter().enumerate() {
            let told = all.iter().any(|p| p["user_id"] == owner.id);
            assert_eq!(
                told,
                self.sees_check_in(o, v),
                "photo of {o} for {v}: {self:?}"
            );
        }
    }

    /// The pictures that stand for a place in collections: none of those on the other side of a block, and none the viewer may not see.
    pub(super) async fn check_covers(&self, world: &World, people: &[Client], v: usize) {
        let (viewer, mut expected) = (&people[v], BTreeSet::new());
        for (o, owner) in people.iter().enumerate() {
            if self.sees_check_in(o, v) && !self.blocks(v, o) {
                let sql = format!("select id from check_ins where user_id = {}", owner.id);
                expected.insert(world.count(&sql).await);
            }
        }
        let newest: BTreeSet<i64> = expected.last().copied().into_iter().collect();
        let own = viewer.get("/collections/").await.expect(200);
        let own = own.as_array().expect("a list");
        let things = own.iter().find(|c| c["name"] == "Things").expect("it");
        assert_eq!(pictured(&things["photo_urls"]), newest, "{v} in {self:?}");
        for (o, owner) in people.iter().enumerate() {
            let context = format!("{v} looks at the collection of {o} in {self:?}");
            let sql = "select id from user_collections where name = 'Things' and user_id = ";
            let id = world.count(&format!("{sql}{}", owner.id)).await;
            let answer = viewer.get(&format!("/collections/{id}")).await;
            if answer.status != 200 {
                continue;
            }
            let told = pictured(&answer.body["photo_urls"]);
            assert_eq!(told, newest, "{context}");
            for (path, key) in [("items", "photo_urls"), ("items/list", "photos")] {
                let items = viewer.get(&format!("/collections/{id}/{path}")).await;
                let items = items.expect(200);
                let item = items.get("items").unwrap_or(&items)[0].clone();
                assert_eq!(pictured(&item[key]), expected, "{path}: {context}");
                if let Some(of_owner) = item.get("user_checkin_photos") {
                    let told = !pictured(of_owner).is_empty();
                    let seen = self.sees_check_in(o, v) && !self.blocks(v, o);
                    assert_eq!(told, seen, "the owner's own: {context}");
                }
            }
        }
        let saved = viewer.get("/places/saved/collections/Things").await;
        let told = pictured(&saved.expect(200)["photos"]);
        assert_eq!(told, expected, "saved by {v}: {self:?}");
    }

    /// What is asked of one person: collections, media, followers and followed, numbers.
    pub(super) async fn check_lists(&self, people: &[Client], v: usize, o: usize) {
        let (viewer, owner) = (&people[v], people[o].id);
        let context = format!("{v} looks at {o} in {self:?}");
        let [
            profile,
            _,
            collection,
            _,
            stats,
            media,
            followers,
            following,
        ] = self.levels[o];
        let gate = |level: Option<usize>| match (self.blocks(o, v), level) {
            (true, _) => 404,
            (false, Some(level)) if !self.can_view(o, v, level) => 403,
            _ => 200,
        };
        let answer = viewer.get(&format!("/users/{owner}/collections")).await;
        assert_eq!(answer.status, gate(Some(profile)), "collections: {context}");
        if answer.status == 200 {
            let told = answer.text.contains("Things");
            assert_eq!(
                told,
                self.can_view(o, v, collection),
                "collections: {context}"
            );
        }
        let answer = viewer.get(&format!("/users/{owner}/media")).await;
        let both = if self.can_view(o, v, profile) {
            media
        } else {
            profile
        };
        assert_eq!(answer.status, gate(Some(both)), "media: {context}");
        if answer.status == 200 {
            let expected = i64::from(self.sees_check_in(o, v));
            assert_eq!(
                answer.body["total"].as_i64(),
                Some(expected),
                "media: {context}"
            );
        }
        for (list, level) in [("followers", followers), ("following", following)] {
            let answer = viewer
                .get(&format!("/follow/{owner}/{list}?limit=100"))
                .await;
            assert_eq!(answer.status, gate(Some(level)), "{list}: {context}");
            for (f, other) in people.iter().enumerate().filter(|_| answer.status == 200) {
                let pair = if list == "followers" { (f, o) } else { (o, f) };
                let all = answer.body["items"].as_array().expect("a list");
                let told = all.iter().any(|e| e["id"] == other.id);
                let expected = self.follows.contains(&pair) && !self.blocks(f, v);
                assert_eq!(told, expected, "{f} among {list}: {context}");
            }
        }
        let answer = viewer.get(&format!("/users/{owner}/profile-stats")).await;
        let hidden = !self.can_view(o, v, stats) || !self.can_view(o, v, profile);
        if answer.status == 200 && hidden {
            let numbers = answer.body.as_object().expect("numbers");
            assert!(
                numbers.values().all(|n| *n == 0),
                "numbers: {context}: {}",
                answer.text
            );
        } else {
            assert_eq!(answer.status, gate(None), "numbers: {context}");
        }
    }
}
