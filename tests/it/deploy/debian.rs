//! A real registry in the place of ECR's data plane: Debian's `docker-registry`, where it is installed.

use std::net::TcpListener;

use super::*;

/// One of its own, with its data in a folder. It ends with the test.
struct Registry {
    child: Child,
    url: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It holds nothing that outlives it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// `None`: it is not installed here.
    fn start(folder: &Path) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let config = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: {address} }}\n",
            folder.join("registry").display()
        );
        std::fs::write(&config, text).expect("its configuration");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("docker-registry: {error}"),
        };
        let patience = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < patience, "docker-registry does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self {
            child,
            url: format!("http://{address}"),
        })
    }

    async fn manifest(&self, tag: &str) -> (u16, String) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let answer = client
            .get(format!("{}/v2/{REPOSITORY}/manifests/{tag}", self.url))
            .header("Accept", images::MANIFEST)
            .send()
            .await
            .expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.expect("its text"),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_through_a_real_registry() {
    let shop = Shop::open().await;
    let Some(registry) = Registry::start(shop.folder.path()) else {
        eprintln!("NOT TESTED: docker-registry is not installed (apt-get install docker-registry)");
        return;
    };
    let other = json!({"endpoint": registry.url});
    shop.aws.control("POST", "registry", &other).await;
    // Large enough for several parts.
    let layer: Vec<u8> = (0..12_000_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let image = Image::with_layer(layer, "amd64", "large");
    let arm = Image::new("arm", "arm64");
    let path = oci(
        shop.folder.path(),
        "both.tar",
        &[(&arm, "arm64"), (&image, "amd64")],
    );
    let path = path.display().to_string();
    let said = shop.expect(&["deploy", "--image", &path], 0);
    assert!(said.contains("1 of 1 layers sent"), "{said}");
    assert!(shop.image().await.ends_with(&image.digest()));
    let releases = shop.json(&["releases", "--json"]);
    let name = releases[0]["releases"][0]["name"].as_str().expect("a name");
    let there = registry.manifest(name).await;
    assert_eq!(there.0, 200, "{there:?}");
    assert_eq!(there.1.as_bytes(), image.manifest);
    let said = shop.expect(&["deploy", "--image", &path], 0);
    assert!(
        said.contains("no layer sent") && said.contains("nothing to do"),
        "{said}"
    );
    // By tag, and what is for another architecture is refused from there as well.
    let (_, second) = shop.archive("second");
    shop.expect(&["deploy", "--image", &second], 0);
    let name = name.to_owned();
    shop.expect(&["deploy", "--image", &name], 0);
    assert!(shop.image().await.ends_with(&image.digest()));
    let said = shop.expect(&["deploy", "--image", "v0"], 1);
    assert!(said.contains("circles-app has no image v0"), "{said}");
    shop.nothing_to_do();
}

/// moto as it comes: a service's deployment stays what it was, its tasks are about to start for ever, and no target is registered.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_rolls_nothing_out_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(registry) = Registry::start(folder.path()) else {
        eprintln!("NOT TESTED: docker-registry is not installed (apt-get install docker-registry)");
        return;
    };
    let aws = LocalAws::plain_with_registry(&registry.url);
    let shop = Shop::at(aws, STACK.into(), folder).await;
    let quick = ["--timeout", "60s"];
    let (first, path) = shop.archive("first");
    for (word, path) in [("first", path), ("second", shop.archive("second").1)] {
        let said = shop.expect(&[&["deploy", "--image", &path][..], &quick].concat(), 0);
        assert!(said.contains("starts no tasks"), "{word}\n{said}");
        shop.nothing_to_do();
    }
    let before = shop.service().await.deployments()[0].id.clone();
    let said = shop.expect(&[&["redeploy"][..], &quick].concat(), 0);
    assert!(said.contains("starts no tasks"), "{said}");
    assert_ne!(shop.service().await.deployments()[0].id, before);
    shop.expect(&[&["rollback"][..], &quick].concat(), 0);
    assert!(shop.image().await.ends_with(&first.digest()));
    // So is it with an apply, once there is an image that could be waited for.
    let manifest = String::from_utf8(first.manifest.clone()).expect("text");
    let put = shop.sdk.ecr.put_image().repository_name(REPOSITORY);
    put.image_manifest(manifest)
        .image_tag("there")
        .send()
        .await
        .expect("an image");
    shop.expect(&["--var", "container_memory=2048", "apply", "--yes"], 0);
    assert_eq!(shop.definition().await.memory(), Some("2048"));
}
