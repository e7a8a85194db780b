use std::time::Duration;

use futures::{StreamExt, stream};

use super::*;
use crate::aws::Connect;
use crate::deploy::image::digest_of;

mod fake;

use fake::{BlobFault, FakeRegistry};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

async fn open(fake: &FakeRegistry) -> Registry {
    let aws = Aws::connect(&Connect {
        region: Some("us-east-1".into()),
        endpoint: Some(fake.endpoint.clone()),
        static_credentials: Some(("test".into(), "test".into())),
        ..Connect::default()
    })
    .await
    .expect("it answers");
    Registry::open(Arc::new(aws), "app").await.expect("a token")
}

/// More than one chunk of the chunked form, so that a registry that drops later chunks notices.
fn layer() -> Bytes {
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|i| (i % 251) as u8).collect();
    Bytes::from(bytes)
}

async fn push(registry: &Registry, bytes: &Bytes) -> Result<(), DeployError> {
    let size = bytes.len() as u64;
    let body = |progress: UploadProgress| {
        let parts: Vec<Bytes> = bytes.chunks(100_000).map(Bytes::copy_from_slice).collect();
        let mut done = 0;
        stream::iter(parts).map(move |part| {
            done += part.len() as u64;
            progress.set(done);
            Ok(part)
        })
    };
    registry.push_blob(&digest_of(bytes), size, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_sent_in_one_request() {
    let fake = FakeRegistry::start().await;
    let registry = open(&fake).await;
    let (large, small) = (layer(), Bytes::from_static(b"{}"));
    for bytes in [&large, &small] {
        push(&registry, bytes).await.expect("it is sent");
        let blob = fake.state.lock().unwrap().blobs[&digest_of(bytes)].clone();
        assert!(blob == *bytes, "all {} bytes arrive", bytes.len());
    }
    assert_eq!(fake.count("PUT blobs/uploads"), 2);
    assert_eq!(fake.count("PATCH blobs/uploads"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_what_a_registry_does() {
    for (fault, puts) in [
        (BlobFault::Expire, 2),
        (BlobFault::Fail, 2),
        (BlobFault::Stall, 2),
        // What has arrived is not sent again.
        (BlobFault::StoreAndCut, 1),
        (BlobFault::StoreAndMisreport, 1),
    ] {
        let fake = FakeRegistry::start().await;
        let mut registry = open(&fake).await;
        registry.limits.stalled = Duration::from_millis(500);
        fake.state.lock().unwrap().faults.push_back(fault);
        let bytes = layer();
        push(&registry, &bytes)
            .await
            .unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        let arrived = fake
            .state
            .lock()
            .unwrap()
            .blobs
            .contains_key(&digest_of(&bytes));
        assert!(arrived, "{fault:?}");
        assert_eq!(fake.count("PUT blobs/uploads"), puts, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_never_reads_is_given_up_with_a_reason() {
    let fake = FakeRegistry::start().await;
    let mut registry = open(&fake).await;
    registry.limits.stalled = Duration::from_millis(50);
    fake.state
        .lock()
        .unwrap()
        .faults
        .extend([BlobFault::Stall; 6]);
    let error = push(&registry, &layer()).await.expect_err("it never ends");
    assert!(error.to_string().contains("no byte moved"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_has_the_image_already_is_success() {
    let fake = FakeRegistry::start().await;
    let registry = open(&fake).await;
    let (one, other) = (
        Bytes::from_static(b"{\"schemaVersion\":2}"),
        Bytes::from_static(b"{}"),
    );
    fake.state.lock().unwrap().lose_manifest_answer = true;
    for _ in 0..2 {
        registry
            .put_manifest("v1", &one, MANIFEST)
            .await
            .expect("the same image");
    }
    let error = registry.put_manifest("v1", &other, MANIFEST).await;
    let error = error.expect_err("the tag is taken").to_string();
    assert!(error.contains("already exists"), "{error}");
    assert_eq!(fake.state.lock().unwrap().tags["v1"], one);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missing_is_not_asked_for_again_and_again() {
    let fake = FakeRegistry::start().await;
    let registry = open(&fake).await;
    let before = fake.state.lock().unwrap().tokens;
    // Every token is refused as soon as it is used.
    fake.state
        .lock()
        .unwrap()
        .faults
        .extend([BlobFault::Expire; 6]);
    push(&registry, &layer()).await.expect_err("refused");
    let after = fake.state.lock().unwrap().tokens;
    assert_eq!(fake.count("PUT blobs/uploads"), 2);
    // Two expired in the registry, one was renewed.
    assert_eq!(after - before, 3);
}
