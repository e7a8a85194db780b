//! Which images stay in the repository, over many deploys.

use super::*;

/// The lifecycle policy keeps as many releases, and what runs in any case.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_releases_stay_and_so_does_what_runs() {
    let shop = Shop::open().await;
    let (first, path) = shop.archive("image-0");
    shop.expect(&["deploy", "--image", &path], 0);
    let deploys = if std::env::var_os("CIRCLES_TEST_ALL").is_some() {
        60
    } else {
        33
    };
    for number in 1..=deploys {
        let (bad, path) = shop.archive(&format!("image-{number}"));
        // None of them comes to run, so the first stays the running one, older than all that are kept.
        shop.behaves(&bad, "crashes", &[]).await;
        shop.expect(&["deploy", "--image", &path, "--timeout", "30s"], 69);
    }
    let expired = json!({"expire_images": true});
    shop.aws.control("POST", "registry", &expired).await;
    let answer = shop
        .sdk
        .ecr
        .describe_images()
        .repository_name(REPOSITORY)
        .send()
        .await
        .expect("images");
    let tags: Vec<String> = answer
        .image_details()
        .iter()
        .flat_map(|image| image.image_tags().to_vec())
        .collect();
    let releases = tags
        .iter()
        .filter(|tag| tag.starts_with("release-"))
        .count();
    assert_eq!(releases, 31, "30, and the one that runs: {tags:?}");
    assert!(
        answer
            .image_details()
            .iter()
            .any(|image| image.image_digest() == Some(&first.digest())),
        "what runs is still there"
    );
    shop.nothing_to_do();
}
