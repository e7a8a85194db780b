//! Made-up images as archives, and a client that pushes to the sandbox's registry as somebody else's pipeline would.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// A small image: what is in it tells it from others.
pub struct Image {
    pub layer: Vec<u8>,
    pub config: Vec<u8>,
    pub manifest: Vec<u8>,
}

impl Image {
    pub fn new(word: &str, architecture: &str) -> Self {
        Self::with_layer(word.repeat(1000).into_bytes(), architecture, word)
    }

    /// For amd64, with no word of what it was built from.
    pub fn without_commit(word: &str) -> Self {
        Self::labelled(word.repeat(1000).into_bytes(), "amd64", &json!({}))
    }

    pub fn with_layer(layer: Vec<u8>, architecture: &str, commit: &str) -> Self {
        let labels = json!({"org.opencontainers.image.revision": commit});
        Self::labelled(layer, architecture, &labels)
    }

    fn labelled(layer: Vec<u8>, architecture: &str, labels: &Json) -> Self {
        let config = json!({
            "os": "linux", "architecture": architecture,
            "config": {"Entrypoint": ["circles-app"], "Cmd": ["serve"], "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        })
        .to_string()
        .into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(&layer), "size": layer.len()}],
        })
        .to_string()
        .into_bytes();
        Self {
            layer,
            config,
            manifest,
        }
    }

    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }
}

/// Writes an OCI layout with these images; architectures stand in its index.
pub fn oci(folder: &Path, name: &str, images: &[(&Image, &str)]) -> PathBuf {
    let entries: Vec<Json> = images
        .iter()
        .map(|(image, architecture)| {
            json!({"mediaType": MANIFEST, "digest": image.digest(), "size": image.manifest.len(),
                   "platform": {"os": "linux", "architecture": architecture}})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "manifests": entries}).to_string();
    let mut files = vec![
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index.into_bytes()),
    ];
    for (image, _) in images {
        for blob in [&image.layer, &image.config, &image.manifest] {
            files.push((
                format!("blobs/{}", digest(blob).replace(':', "/")),
                blob.clone(),
            ));
        }
    }
    tar(&folder.join(name), &files)
}

/// Writes what `docker save` writes.
pub fn saved(folder: &Path, name: &str, image: &Image) -> PathBuf {
    let manifest =
        json!([{"Config": "config.json", "RepoTags": ["app:latest"], "Layers": ["one/layer.tar"]}]);
    tar(
        &folder.join(name),
        &[
            ("one/layer.tar".to_owned(), image.layer.clone()),
            ("config.json".to_owned(), image.config.clone()),
            (
                "manifest.json".to_owned(),
                manifest.to_string().into_bytes(),
            ),
        ],
    )
}

fn tar(path: &Path, files: &[(String, Vec<u8>)]) -> PathBuf {
    let file = std::fs::File::create(path).expect("a file");
    let mut tar = tar::Builder::new(file);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())
            .expect("an entry");
    }
    tar.finish().expect("an archive");
    path.to_owned()
}

/// Pushes an image as another tool would.
pub async fn push(ecr: &aws_sdk_ecr::Client, repository: &str, image: &Image, tag: &str) {
    let answer = ecr.get_authorization_token().send().await.expect("a token");
    let data = &answer.authorization_data()[0];
    let base = data.proxy_endpoint().expect("an address").to_owned();
    let token = format!("Basic {}", data.authorization_token().expect("a token"));
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for blob in [&image.layer, &image.config] {
        let url = format!(
            "{base}/v2/{repository}/blobs/uploads/?digest={}",
            digest(blob)
        );
        let answer = client
            .post(url)
            .header("Authorization", &token)
            .body(blob.clone())
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 201);
    }
    let answer = client
        .put(format!("{base}/v2/{repository}/manifests/{tag}"))
        .header("Authorization", &token)
        .header("Content-Type", MANIFEST)
        .body(image.manifest.clone())
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 201);
}
