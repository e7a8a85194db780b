//! The same contract where AWS takes its time: pending, deleting and the like are passed through, not skipped.

use serde_json::json;

use super::lifecycle;
use super::samples::named;
use super::stage::Stage;
use crate::local_aws::LocalAws;

/// Of AWS's waits: two minutes become a quarter of a second.
const FACTOR: f64 = 0.002;

async fn with_waits(address: &str) {
    let local = LocalAws::shared();
    let _alone = local.alone().await;
    let mut stage = Stage::open(&local).await;
    let sample = named(address);
    stage.build_needs(&sample).await;
    local
        .control("POST", "clock", &json!({"factor": FACTOR}))
        .await;
    lifecycle::play(&stage, &sample).await;
}

#[tokio::test]
async fn nat_gateway() {
    with_waits("nat-gateway").await;
}
