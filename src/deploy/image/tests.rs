use super::*;

fn fit() -> Fit {
    Fit {
        service: "app".into(),
        platform: Platform::of_architecture("X86_64"),
        build: "docker buildx build --platform linux/amd64 .".into(),
    }
}

#[test]
fn an_image_for_another_architecture_is_refused_with_the_line_that_builds_it() {
    let text = br#"{"os":"linux","architecture":"arm64","config":{"Cmd":["a"]}}"#;
    let config = config(text, "image.tar").unwrap();
    let error = fit().check("image.tar", &config).unwrap_err();
    insta::assert_snapshot!(error, @"image.tar is an image for linux/arm64, but app runs on linux/amd64");
    assert!(error.hints()[1].contains("--platform linux/amd64"));
    let other = Fit {
        platform: Platform::of_architecture("ARM64"),
        ..fit()
    };
    assert!(other.check("image.tar", &config).is_ok());
}

#[test]
fn an_index_is_resolved_to_its_platform() {
    let index = br#"{"manifests":[
        {"digest":"sha256:a","platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
        {"digest":"sha256:b","platform":{"os":"linux","architecture":"amd64"}},
        {"digest":"sha256:c","platform":{"os":"unknown","architecture":"unknown"}}]}"#;
    let Document::Index(entries) = document(Bytes::from_static(index), "x", None).unwrap() else {
        panic!("an index");
    };
    let chosen = choose(&entries, &fit().platform).unwrap();
    assert_eq!(chosen.digest, "sha256:b");
    assert_eq!(offered(&entries), "linux/amd64 and linux/arm64");
    assert!(choose(&entries[..1], &fit().platform).is_none());
}

#[test]
fn a_manifest_keeps_its_bytes_and_its_digest() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let text = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{digest}","size":2}},"layers":[]}}"#
    );
    let Document::Image(manifest) = document(Bytes::from(text.clone()), "x", None).unwrap() else {
        panic!("an image");
    };
    assert_eq!(manifest.digest, digest_of(text.as_bytes()));
    assert_eq!(manifest.media_type, DOCKER_MANIFEST);
}

#[test]
fn nonsense_is_told_as_such() {
    for (text, what) in [
        ("{", "cannot be read"),
        ("{}", "names no configuration"),
        (
            r#"{"config":{"digest":"md5:1","size":1},"layers":[]}"#,
            "no SHA-256 digest",
        ),
    ] {
        let error = document(Bytes::from(text), "image.tar", None).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    assert!(config(b"{}", "x").is_err());
}
