//! Media on moto's S3: what AWS would say to a missing bucket, a signed address, a deleted object, a storage that is away.
//!
//! `CIRCLES_TEST_PYTHON` names a Python with the packages of `src/sandbox/requirements.txt` (default: `python3`).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_s3::Client as S3;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use crate::harness::{World, png};

struct Moto {
    child: Child,
    endpoint: String,
}

impl Moto {
    fn start(folder: &Path) -> Moto {
        let python = std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let port_file = folder.join("port");
        let mut moto = Moto {
            child: Command::new(&python)
                .args([
                    "-m",
                    "realism",
                    "--port",
                    "0",
                    "--clock-factor",
                    "0",
                    "--port-file",
                ])
                .arg(&port_file)
                .env(
                    "PYTHONPATH",
                    concat!(env!("CARGO_MANIFEST_DIR"), "/../src/sandbox"),
                )
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("python starts"),
            endpoint: String::new(),
        };
        for _ in 0..600 {
            if let Ok(port) = std::fs::read_to_string(&port_file) {
                moto.endpoint = format!("http://127.0.0.1:{}", port.trim());
                return moto;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!(
            "no S3 after a minute: does {} (CIRCLES_TEST_PYTHON) have the packages of src/sandbox/requirements.txt?",
            python.display()
        );
    }

    fn client(&self) -> S3 {
        let keys = Credentials::new("AKIDEXAMPLE", "a secret", None, None, "test");
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(keys)
            .endpoint_url(&self.endpoint)
            .force_path_style(true);
        S3::from_conf(config.build())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn keys(s3: &S3) -> Vec<String> {
    let listed = s3.list_objects_v2().bucket("media").send().await;
    let listed = listed.expect("a list");
    let key = |o: &aws_sdk_s3::types::Object| o.key().unwrap_or_default().to_owned();
    listed.contents().iter().map(key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_live_and_die_in_the_bucket() {
    let folder = tempfile::tempdir().expect("a folder");
    let moto = Moto::start(folder.path());
    let s3 = moto.client();
    let settings = [
        ("APP_STORAGE_BACKEND", "s3"),
        ("APP_S3_BUCKET", "media"),
        ("APP_S3_REGION", "us-east-1"),
        ("APP_S3_ENDPOINT_URL", moto.endpoint.as_str()),
        ("APP_S3_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("APP_S3_SECRET_ACCESS_KEY", "a secret"),
        ("APP_S3_USE_PATH_STYLE", "true"),
    ];
    let world = World::with(&settings).await;
    let sara = world.person("Sara").await;

    // Ready only once the bucket is there.
    let ready = sara.get("/readyz").await.expect(503);
    assert_eq!(ready["storage"], false);
    let refused = sara.upload("/users/me/avatar", "file", png(), &[]).await;
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    refused.expect(503);
    s3.create_bucket()
        .bucket("media")
        .send()
        .await
        .expect("a bucket");
    let ready = sara.becomes_ready(200).await;
    assert_eq!(ready["storage"], true);

    // An upload is kept under its kind and owner, with the type its signature tells.
    let avatar = sara
        .upload("/users/me/avatar", "file", png(), &[])
        .await
        .expect(200);
    let url = avatar["avatar_url"].as_str().expect("an address");
    assert!(
        url.starts_with(&moto.endpoint) && url.contains("X-Amz-Signature="),
        "{url}"
    );
    let served = reqwest::get(url).await.expect("an answer");
    assert_eq!(served.headers()["content-type"], "image/png");
    assert_eq!(served.bytes().await.expect("a body"), png());
    let stored = keys(&s3).await;
    assert!(
        stored.len() == 1 && stored[0].starts_with(&format!("avatars/{}/", sara.id)),
        "{stored:?}"
    );

    // A deleted photo is gone from the bucket too.
    let place = world.place("Cafe", 0.0).await;
    let id = sara.check_in(place, "public").await["id"].clone();
    let path = format!("/places/check-ins/{id}/photo");
    let made = sara.upload(&path, "file", png(), &[]).await.expect(200);
    let photo = made["photo_urls"][0]
        .as_str()
        .expect("an address")
        .to_owned();
    assert_eq!(keys(&s3).await.len(), 2);
    sara.delete(&path).await.expect(204);
    assert_eq!(keys(&s3).await, stored);
    assert_eq!(reqwest::get(&photo).await.expect("an answer").status(), 404);

    // A storage that is away costs uploads, and nothing else.
    drop(moto);
    sara.upload("/users/me/avatar", "file", png(), &[])
        .await
        .expect(503);
    sara.becomes_ready(503).await;
    sara.get("/health").await.expect(200);
    sara.get("/auth/me").await.expect(200);
}
