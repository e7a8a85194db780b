//! A KMS key that the stack names: the bucket uses it, and so does every single write.

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";

#[tokio::test(flavor = "multi_thread")]
async fn every_write_carries_the_key_that_is_named() {
    let state = format!("{{ backend: s3, bucket: shop-states, key: team, kms_key_id: \"{KEY}\" }}");
    let world = World::new(&small(&state));
    let said = world.expect("ann", &["state", "bootstrap"], 0);
    assert!(said.contains("made the bucket"), "{said}");
    let s3 = world.s3().await;
    let bucket = s3.get_bucket_encryption().bucket("shop-states").send();
    let bucket = bucket.await.expect("an encryption");
    let rules = bucket
        .server_side_encryption_configuration()
        .map(|all| all.rules());
    let by_default =
        rules.and_then(|rules| rules.first()?.apply_server_side_encryption_by_default());
    assert_eq!(
        by_default.and_then(|one| one.kms_master_key_id()),
        Some(KEY)
    );
    world.expect("ann", &["apply", "--yes"], 0);
    world.expect("bob", &["state", "mv", "logs0", "renamed"], 0);
    world.expect("ann", &["state", "mv", "renamed", "logs0"], 0);
    // Every write left a version, those of objects that are deleted since among them.
    let all = s3.list_object_versions().bucket("shop-states").send();
    let all = all.await.expect("a listing");
    let versions = all.versions();
    for name in [
        "/state.json",
        "/lock.json",
        "/run",
        "/00000001",
        "/00000002",
    ] {
        let seen = |key: Option<&str>| key.is_some_and(|key| key.ends_with(name));
        assert!(versions.iter().any(|one| seen(one.key())), "no {name}");
    }
    assert!(!all.is_truncated().unwrap_or_default());
    for version in versions {
        let (key, id) = (version.key().expect("a key"), version.version_id());
        assert!(key.starts_with("team/shop-dev-"), "{key}");
        let head = s3
            .head_object()
            .bucket("shop-states")
            .key(key)
            .set_version_id(id.map(str::to_owned))
            .send()
            .await
            .expect("a version");
        let encryption = head.server_side_encryption().map(|how| how.as_str());
        assert_eq!(encryption, Some("aws:kms"), "{key}");
        assert_eq!(head.ssekms_key_id(), Some(KEY), "{key}");
    }
    // Without a key it is S3's own.
    let plain = World::in_s3();
    plain.expect("ann", &["apply", "--yes"], 0);
    let state = plain.object("/state.json").await;
    let head = plain.s3().await;
    let head = head.head_object().bucket("shop-states").key(state).send();
    let head = head.await.expect("the state");
    let encryption = head.server_side_encryption().map(|how| how.as_str());
    assert_eq!(encryption, Some("AES256"));
}
