use std::fs;

use super::*;
use crate::deploy::image::{OCI_MANIFEST, Platform};

fn fit() -> Fit {
    Fit {
        service: "app".into(),
        platform: Platform::of_architecture("X86_64"),
        build: "docker buildx build".into(),
    }
}

fn tar(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let mut tar = tar::Builder::new(file.reopen().unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    for (name, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, name, target).unwrap();
    }
    tar.finish().unwrap();
    file
}

fn config_for(architecture: &str, layer: &[u8]) -> Vec<u8> {
    serde_json::json!({
        "os": "linux", "architecture": architecture, "config": {"Entrypoint": ["app"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    })
    .to_string()
    .into_bytes()
}

/// An OCI layout with one image for each architecture.
fn layout(architectures: &[&str]) -> NamedTempFile {
    let layer = b"a layer".to_vec();
    let mut blobs = vec![layer.clone()];
    let mut entries = Vec::new();
    for architecture in architectures {
        let config = config_for(architecture, &layer);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(&config), "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(&layer), "size": layer.len()}],
        })
        .to_string()
        .into_bytes();
        entries.push(serde_json::json!({
            "mediaType": OCI_MANIFEST, "digest": digest_of(&manifest), "size": manifest.len(),
            "platform": {"os": "linux", "architecture": architecture},
        }));
        blobs.extend([config, manifest]);
    }
    let index = serde_json::json!({"schemaVersion": 2, "manifests": entries})
        .to_string()
        .into_bytes();
    let names: Vec<String> = blobs
        .iter()
        .map(|blob| blob_path(&digest_of(blob)))
        .collect();
    let mut files: Vec<(&str, &[u8])> = vec![("index.json", &index), ("oci-layout", b"{}")];
    files.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(blobs.iter().map(Vec::as_slice)),
    );
    tar(&files, &[])
}

#[test]
fn of_a_layout_the_image_that_fits_is_taken_as_it_is() {
    let file = layout(&["arm64", "amd64"]);
    let archive = open(file.path(), &fit()).unwrap();
    assert_eq!(archive.config.architecture, "amd64");
    assert_eq!(archive.config.entrypoint, ["app"]);
    let manifest = archive.manifest.unwrap();
    assert_eq!(manifest.digest, digest_of(&manifest.raw));
    let [Layer::Ready(layer, span)] = archive.layers.as_slice() else {
        panic!("one layer");
    };
    let bytes = fs::read(&span.path).unwrap();
    let start = usize::try_from(span.start).unwrap();
    assert_eq!(&bytes[start..start + 7], b"a layer");
    assert_eq!(layer.digest, digest_of(b"a layer"));
}

#[test]
fn a_layout_for_another_architecture_is_refused() {
    let error = open(layout(&["arm64"]).path(), &fit()).unwrap_err();
    assert!(matches!(error, ImageError::Platform { .. }), "{error}");
    let error = open(layout(&["arm64", "riscv64"]).path(), &fit()).unwrap_err();
    assert!(
        error.to_string().contains("linux/arm64 and linux/riscv64"),
        "{error}"
    );
}

#[test]
fn what_docker_saves_is_read_through_its_links() {
    let layer = b"layer".as_slice();
    let config = config_for("amd64", layer);
    let manifest = br#"[{"Config":"c.json","RepoTags":["app:latest"],"Layers":["b/layer.tar"]}]"#;
    let file = tar(
        &[
            ("a/layer.tar", layer),
            ("c.json", &config),
            ("manifest.json", manifest),
        ],
        &[("b/layer.tar", "../a/layer.tar")],
    );
    let archive = open(file.path(), &fit()).unwrap();
    assert!(archive.manifest.is_none());
    let [Layer::Plain { diff_id, span }] = archive.layers.as_slice() else {
        panic!("one layer");
    };
    assert_eq!(
        (diff_id.as_str(), span.size),
        (digest_of(layer).as_str(), 5)
    );
    // Compressed as a whole, too.
    let mut packed = NamedTempFile::new().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
    encoder.write_all(&fs::read(file.path()).unwrap()).unwrap();
    encoder.finish().unwrap();
    assert!(open(packed.path(), &fit()).is_ok());
}

/// As `docker save` of today and `make image` write it: a layout, with a `manifest.json` for older ones.
#[test]
fn what_is_both_goes_by_its_layers() {
    let plain = b"a layer, as it is".as_slice();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    let packed = encoder.finish().unwrap();
    for (layer, is_packed) in [(plain, false), (packed.as_slice(), true)] {
        let config = config_for("amd64", plain);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(&config), "size": config.len()},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest_of(layer), "size": layer.len()}],
        })
        .to_string()
        .into_bytes();
        let index = serde_json::json!({"schemaVersion": 2, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": digest_of(&manifest), "size": manifest.len()}]})
        .to_string();
        let names = [&config[..], &manifest, layer].map(|blob| blob_path(&digest_of(blob)));
        let saved = serde_json::json!([{"Config": names[0], "Layers": [names[2]]}]).to_string();
        let file = tar(
            &[
                (&names[0], &config),
                (&names[1], &manifest),
                (&names[2], layer),
                ("index.json", index.as_bytes()),
                ("manifest.json", saved.as_bytes()),
            ],
            &[],
        );
        let archive = open(file.path(), &fit()).unwrap();
        assert_eq!(archive.manifest.is_some(), is_packed);
        assert_eq!(matches!(archive.layers[0], Layer::Ready(..)), is_packed);
    }
}

#[test]
fn a_broken_archive_says_what_is_wrong_with_it() {
    let whole = fs::read(layout(&["amd64"]).path()).unwrap();
    let broken = |bytes: &[u8]| {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let error = open(file.path(), &fit()).unwrap_err().to_string();
        error.replace(&file.path().display().to_string(), "image.tar")
    };
    let cut = broken(&whole[..whole.len() / 2]);
    assert!(cut.contains("it is damaged"), "{cut}");
    assert!(broken(b"no archive at all, but a longer text").contains("damaged"));
    assert!(broken(b"").contains("it is no image archive"));
    let text = String::from_utf8_lossy(&whole).replace("Entrypoint", "Entrypaint");
    assert!(broken(text.as_bytes()).contains("is not what its name says"));
    let two = br#"[{"Config":"c","Layers":[],"RepoTags":["a:1"]},{"Config":"c","Layers":[],"RepoTags":["b:1"]}]"#;
    let file = tar(&[("manifest.json", two)], &[]);
    let error = open(file.path(), &fit()).unwrap_err().to_string();
    assert!(error.contains("2 images (a:1, b:1)"), "{error}");
}
