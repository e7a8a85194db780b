//! Kinds that read a few one by one and many at once: both ways tell the same, and the second costs few calls.

use std::sync::Arc;

use circles_infra::kind::{AskedItem, Extent, Observed};
use circles_infra::model::PhysicalId;
use serde_json::json;

use super::samples::{Sample, named};
use super::stage::{Stage, item};
use crate::local_aws::LocalAws;

const MANY: usize = 60;

/// Makes `MANY` like `like`, with names of their own, and returns them with their ids.
async fn make(stage: &Stage<'_>, like: &Sample) -> Vec<(Sample, PhysicalId)> {
    let mut made = Vec::new();
    for number in 0..MANY {
        let mut sample = like.clone();
        sample.address = format!("{}-{number}", like.address).leak();
        let name = format!("{}-{number}", like.spec["name"].as_str().expect("a name"));
        sample.spec["name"] = json!(name);
        let desired = stage.desired(&sample, &sample.spec);
        let one = stage.create(&sample, &desired, &Arc::default()).await;
        let one = one.unwrap_or_else(|e| panic!("{}: {e}", sample.address));
        made.push((sample, one.id));
    }
    made
}

/// The looks at all of them, once known by id and once as strays, each with its calls.
async fn looks(local: &LocalAws, stage: &Stage<'_>, made: &[(Sample, PhysicalId)]) {
    let (like, _) = &made[0];
    let mut singly: Vec<Observed> = Vec::new();
    for (sample, id) in made {
        singly.push(stage.until_ready(sample, id).await);
    }
    singly.sort_by(|a, b| a.id.cmp(&b.id));
    let known: Vec<AskedItem> = made
        .iter()
        .map(|(sample, id)| item(sample, Some(id), None))
        .collect();
    for (way, items) in [("known", known), ("as strays", vec![])] {
        let (_, since) = local.calls(0).await;
        let mut found = stage.find(like, Extent::Everything, items).await;
        let (calls, _) = local.calls(since).await;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(found.len(), MANY, "{} {way}", like.kind);
        for (one, single) in found.iter().zip(&singly) {
            assert_eq!(one.id, single.id, "{} {way}", like.kind);
            assert_eq!(one.tags, single.tags, "{} {way}", like.kind);
            assert_eq!(one.attributes, single.attributes, "{} {way}", like.kind);
        }
        assert!(calls.len() <= 5, "{} {way}: {calls:#?}", like.kind);
    }
}

#[tokio::test]
async fn roles() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let sample = named("role");
    stage.build_needs(&sample).await;
    let made = make(&stage, &sample).await;
    looks(&local, &stage, &made).await;
}

#[tokio::test]
async fn log_groups() {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let stage = Stage::open(&local).await;
    let made = make(&stage, &named("log-group")).await;
    looks(&local, &stage, &made).await;
}
