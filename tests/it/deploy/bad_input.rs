use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_is_refused_before_anything_is_sent() {
    let shop = Shop::open().await;
    let before = shop.service().await.task_definition;
    let (_, since) = shop.aws.calls(0).await;
    let arm = Image::new("arm", "arm64");
    let path = oci(shop.folder.path(), "arm.tar", &[(&arm, "arm64")]);
    let saved = saved(shop.folder.path(), "saved.tar", &arm);
    for path in [&path, &saved] {
        let said = shop.expect(&["deploy", "--image", &path.display().to_string()], 1);
        assert!(
            said.contains("linux/arm64, but app runs on linux/amd64"),
            "{said}"
        );
        assert!(said.contains("circles-infra deploy --build"), "{said}");
    }
    let (calls, _) = shop.registry_calls(since).await;
    assert!(
        !calls.contains(&"InitiateLayerUpload".to_owned()),
        "{calls:?}"
    );
    push(&shop.sdk.ecr, REPOSITORY, &arm, "arm").await;
    let said = shop.expect(&["deploy", "--image", "arm"], 1);
    assert!(
        said.contains("circles-app:arm is an image for linux/arm64"),
        "{said}"
    );

    let whole = std::fs::read(&path).expect("the archive");
    let cut = shop.path("cut.tar");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("half an archive");
    for (image, words) in [
        (cut.display().to_string(), "it is damaged"),
        ("none.tar".to_owned(), "there is no file none.tar"),
        ("v0".to_owned(), "circles-app has no image v0"),
    ] {
        let said = shop.expect(&["deploy", "--image", &image], 1);
        assert!(said.contains(words), "{words}\n{said}");
    }
    let said = shop.expect(&["deploy", "worker"], 1);
    assert!(
        said.contains("no service worker") && said.contains("services: app"),
        "{said}"
    );
    assert_eq!(shop.service().await.task_definition, before);
    shop.nothing_to_do();

    // Of several architectures the one that fits is shipped.
    let amd = Image::new("amd", "amd64");
    let both = oci(
        shop.folder.path(),
        "both.tar",
        &[(&arm, "arm64"), (&amd, "amd64")],
    );
    shop.expect(&["deploy", "--image", &both.display().to_string()], 0);
    assert!(shop.image().await.ends_with(&amd.digest()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_and_a_token_that_ran_out_are_no_end() {
    let shop = Shop::open().await;
    let layer: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let image = Image::with_layer(layer, "amd64", "cut");
    let path = oci(shop.folder.path(), "cut.tar", &[(&image, "amd64")]);
    let faults = json!([
        {"kind": "cut", "service": "registry", "action": "CompleteLayerUpload", "bytes": 1_000_000, "times": 2},
        {"kind": "lose", "service": "registry", "action": "CompleteLayerUpload", "nth": 3},
        {"kind": "refuse", "service": "registry", "action": "PutImage", "nth": 1, "code": "DENIED", "status": 403,
         "message": "Your authorization token has expired. Reauthenticate and try again."},
        {"kind": "throttle", "service": "registry", "action": "InitiateLayerUpload", "nth": 1},
    ]);
    shop.aws.control("POST", "faults", &faults).await;
    shop.expect(&["deploy", "--image", &path.display().to_string()], 0);
    assert!(shop.image().await.ends_with(&image.digest()));
    let (calls, _) = shop.registry_calls(0).await;
    let count = |action: &str| calls.iter().filter(|call| *call == action).count();
    // Two cut ones, one whose answer was lost, the configuration's; no other form of upload.
    assert_eq!(count("CompleteLayerUpload"), 4, "{calls:?}");
    assert_eq!(count("UploadLayerPart"), 0, "{calls:?}");
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_register_and_roll_once() {
    let shop = Shop::open().await;
    let faults = json!([
        {"kind": "lose", "service": "ecs", "action": "RegisterTaskDefinition", "nth": 1},
        {"kind": "lose", "service": "ecs", "action": "UpdateService", "nth": 1},
    ]);
    shop.aws.control("POST", "faults", &faults).await;
    let before = shop.definition().await.revision();
    let (image, path) = shop.archive("lost");
    shop.expect(&["deploy", "--image", &path], 0);
    assert!(shop.image().await.ends_with(&image.digest()));
    assert_eq!(shop.definition().await.revision(), before + 1);
    shop.nothing_to_do();
}
