//! `deploy --build`, with a stand-in for Docker that writes down what it is called with.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A shop whose stack file says all there is to say of a build, and the folder of its `docker`.
async fn open() -> (Shop, PathBuf) {
    let shop = Shop::with(&[(
        "build: { context: .., dockerfile: ../app/Dockerfile }",
        "build: { context: src, dockerfile: src/Dockerfile.release, target: release, args: { VERSION: \"1 2\", DEBUG: \"\" } }",
    )])
    .await;
    let bin = shop.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    (shop, bin)
}

/// One line a call, its words apart by `|`; `save` gives the archive, everything says a word.
fn docker(shop: &Shop, bin: &Path, archive: &Path, last: &str) {
    let script = format!(
        "#!/bin/sh\nset -e\nfor word; do printf '%s|' \"$word\"; done >> {calls}; echo >> {calls}\necho '#1 building' >&2\n\
         if [ \"$1\" = save ]; then cp {archive} \"$3\"; fi\n{last}\n",
        calls = shop.path("calls").display(),
        archive = archive.display()
    );
    let path = bin.join("docker");
    std::fs::write(&path, script).expect("a script");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, executable).expect("an executable script");
}

fn build(shop: &Shop, path: &str) -> (Option<i32>, String) {
    let mut command = shop.command(&["deploy", "--build"]);
    command.env("PATH", path).env("CI_COMMIT_SHA", "c0ffee00");
    let output = command.output().expect("the program runs");
    (output.status.code(), text(&output))
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_is_called_as_the_stack_file_says_and_the_image_goes_the_way_of_an_archive() {
    let (shop, bin) = open().await;
    let image = Image::without_commit("built");
    let archive = saved(shop.folder.path(), "built.tar", &image);
    docker(&shop, &bin, &archive, "");
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").expect("a PATH")
    );
    let (code, said) = build(&shop, &path);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("#1 building"), "{said}");
    let calls = std::fs::read_to_string(shop.path("calls")).expect("its calls");
    let folder = shop.folder.path().display().to_string();
    let calls: Vec<String> = calls
        .lines()
        .map(|line| line.replace(&folder, "HERE"))
        .collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(
        calls[0],
        "buildx|build|--platform|linux/amd64|--provenance=false|--load|--tag|circles-infra-build/circles-app:latest|\
         --file|HERE/src/Dockerfile.release|--target|release|--build-arg|DEBUG=|--build-arg|VERSION=1 2|HERE/src|"
    );
    assert!(
        calls[1].starts_with("save|--output|")
            && calls[1].ends_with("|circles-infra-build/circles-app:latest|"),
        "{calls:?}"
    );
    let releases = shop.json(&["releases", "--json"]);
    assert_eq!(releases[0]["releases"][0]["source"], "build");
    assert_eq!(releases[0]["releases"][0]["commit"], "c0ffee00");
    shop.nothing_to_do();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_is_told_and_nothing_is_sent() {
    let (shop, bin) = open().await;
    let before = shop.service().await.task_definition;
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").expect("a PATH")
    );
    let arm = Image::new("arm", "arm64");
    let archive = saved(shop.folder.path(), "arm.tar", &arm);
    docker(
        &shop,
        &bin,
        &archive,
        "echo 'ERROR: no builder' >&2; exit 3",
    );
    let (code, said) = build(&shop, &path);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("docker buildx failed") && said.contains("ERROR: no builder"),
        "{said}"
    );
    // Somebody's default platform.
    docker(&shop, &bin, &archive, "");
    let (code, said) = build(&shop, &path);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("linux/arm64, but app runs on linux/amd64"),
        "{said}"
    );
    let (code, said) = build(&shop, "/nowhere");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("Docker is not installed here") && said.contains("--image image.tar"),
        "{said}"
    );
    let (calls, _) = shop.registry_calls(0).await;
    assert!(
        !calls.contains(&"InitiateLayerUpload".to_owned()),
        "{calls:?}"
    );
    assert_eq!(shop.service().await.task_definition, before);
}
