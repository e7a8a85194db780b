//! Several services that run one image, and one that runs another.

use super::*;

/// Before the outputs: a worker with the service's image, and a page with an image of its own.
const MORE: &str = "
  worker:
    type: fargate_service
    network: ${network}
    cluster: ${cluster}
    repository: ${images}
    command: [jobs]
    secrets_from: [\"${config}\"]
    log_group: ${logs}

  other_images:
    type: image_repository
    force_delete: true

  page:
    type: fargate_service
    when: ${var.page}
    network: ${network}
    cluster: ${cluster}
    repository: ${other_images}
    log_group: ${logs}

outputs:
";

async fn open() -> Shop {
    Shop::with(&[
        ("\noutputs:\n", MORE),
        (
            "\nvariables:\n",
            "\nvariables:\n  page: { default: false }\n",
        ),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_share_the_image_go_together_or_one_by_name() {
    let shop = open().await;
    let both = async || {
        (
            shop.image_of("circles-svc").await,
            shop.image_of("circles-worker").await,
        )
    };
    let (first, path) = shop.archive("first");
    let outcome = shop.json(&["deploy", "--image", &path, "--json"]);
    let services: Vec<&str> = outcome["services"]
        .as_array()
        .expect("services")
        .iter()
        .filter_map(|one| one["service"].as_str())
        .collect();
    assert_eq!(services, ["app", "worker"]);
    let (app, worker) = both().await;
    assert!(app.ends_with(&first.digest()), "{app}");
    assert_eq!(app, worker);
    shop.nothing_to_do();

    // One by name; the other stays.
    let (second, path) = shop.archive("second");
    let said = shop.expect(&["deploy", "worker", "--image", &path], 0);
    assert!(!said.contains("app:"), "{said}");
    assert!(both().await.0.ends_with(&first.digest()));
    assert!(both().await.1.ends_with(&second.digest()));
    shop.nothing_to_do();
    let all = shop.json(&["releases", "--json"]);
    let running = |at: usize| {
        let releases = all[at]["releases"].as_array().expect("releases");
        let one = releases.iter().find(|one| one["running"] == true);
        one.map(|one| one["commit"].clone())
    };
    assert_eq!(running(0), Some(json!("first")));
    assert_eq!(running(1), Some(json!("second")));
    assert_eq!(
        shop.json(&["releases", "worker", "--json"])[0]["service"],
        "worker"
    );
    // Both again; what one of them runs already is no reason to leave it out of the release.
    shop.expect(&["deploy", "--image", &path], 0);
    let (app, worker) = both().await;
    assert!(app.ends_with(&second.digest()) && app == worker);
    shop.expect(&["rollback", "app"], 0);
    assert!(both().await.0.ends_with(&first.digest()));
    assert!(both().await.1.ends_with(&second.digest()));
    shop.nothing_to_do();
    let before = [
        shop.named("circles-svc").await.deployments()[0].id.clone(),
        shop.named("circles-worker").await.deployments()[0]
            .id
            .clone(),
    ];
    shop.expect(&["redeploy"], 0);
    for (service, before) in ["circles-svc", "circles-worker"].iter().zip(before) {
        let now = shop.named(service).await.deployments()[0].id.clone();
        assert_ne!(now, before, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_run_in_one_is_taken_back_in_all() {
    let shop = open().await;
    let (good, path) = shop.archive("good");
    shop.expect(&["deploy", "--image", &path], 0);
    let (bad, path) = shop.archive("bad");
    shop.behaves(&bad, "crashes", &["no such table"]).await;
    let said = shop.expect(&["deploy", "--image", &path, "--timeout", "30s"], 69);
    assert!(
        said.contains("app runs release-") && said.contains("worker runs release-"),
        "{said}"
    );
    for service in ["circles-svc", "circles-worker"] {
        assert!(shop.image_of(service).await.ends_with(&good.digest()));
    }
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn services_with_images_of_their_own_are_named() {
    let shop = open().await;
    let with_page = |words: &[&'static str]| {
        let mut all = vec!["--var", "page=true"];
        all.extend(words);
        all
    };
    shop.expect(&with_page(&["apply", "--yes"]), 0);
    let said = shop.expect(&with_page(&["deploy"]), 1);
    assert!(
        said.contains("different images") && said.contains("app, worker, page"),
        "{said}"
    );
    // `--migrate` where nothing says how, and a service that there is not.
    let (_, path) = shop.archive("page");
    let mut words = with_page(&["deploy", "page", "--migrate", "--image"]);
    words.push(&path);
    let said = shop.expect(&words, 1);
    assert!(said.contains("does not say what migrates page"), "{said}");
}
