use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

fn values(pairs: &[(&str, &str)]) -> Result<Home, SandboxError> {
    let known: HashMap<&str, &str> = pairs.iter().copied().collect();
    Home::from_values(|name| known.get(name).map(PathBuf::from))
}

/// A home of the test's own, with the Python that has the sandbox's packages: `CIRCLES_TEST_PYTHON`, or `python3`.
fn own(folder: &Path) -> Home {
    let python = std::env::var_os("CIRCLES_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    Home {
        cache: folder.join("cache"),
        place: Place {
            module: "realism",
            folder: folder.join("server"),
        },
        python: Some(python.into()),
        clock_factor: 0.0,
    }
}

#[test]
fn the_folders_come_from_the_environment() {
    let home = values(&[("HOME", "/home/ada")]).unwrap();
    assert_eq!(
        home.cache,
        Path::new("/home/ada/.cache/circles-infra/sandbox")
    );
    assert_eq!(home.place.folder, home.cache.join("server"));
    assert_eq!(home.clock_factor, CLOCK_FACTOR);

    let home = values(&[
        ("HOME", "/home/ada"),
        ("XDG_CACHE_HOME", "/cache"),
        ("CIRCLES_SANDBOX_DIR", "/own"),
        ("CIRCLES_SANDBOX_CLOCK", "0"),
    ])
    .unwrap();
    assert_eq!(home.cache, Path::new("/cache/circles-infra/sandbox"));
    assert_eq!(home.place.folder, Path::new("/own"));
    assert_eq!(home.clock_factor, 0.0);

    assert!(matches!(values(&[]), Err(SandboxError::NoHome)));
    let nonsense = values(&[("HOME", "/h"), ("CIRCLES_SANDBOX_CLOCK", "-3")]).unwrap();
    assert_eq!(nonsense.clock_factor, CLOCK_FACTOR);
}

#[tokio::test]
async fn nothing_runs_and_nothing_is_made_by_asking() {
    let folder = tempfile::tempdir().unwrap();
    let home = own(folder.path());
    assert_eq!(home.status().await.unwrap(), Status::Stopped);
    assert!(!home.stop().await.unwrap());
    assert!(!home.reset().await.unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn it_starts_once_is_found_again_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let home = own(folder.path());
    let heard = Mutex::new(Vec::new());
    let say = |progress| heard.lock().unwrap().push(progress);
    // Two at once, as two commands would: one starts it, the other finds it.
    let (first, second) = tokio::join!(home.ensure_running(&say), home.ensure_running(&say));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.endpoint, second.endpoint);
    assert!(first.started != second.started);
    assert_eq!(first.account, "000000000000");
    assert_eq!(
        heard
            .lock()
            .unwrap()
            .iter()
            .filter(|p| **p == Progress::Starting)
            .count(),
        1
    );

    let Status::Running {
        endpoint,
        pid,
        current,
        clock_factor,
        ..
    } = home.status().await.unwrap()
    else {
        panic!("it is running");
    };
    assert_eq!(
        (endpoint, current, clock_factor),
        (first.endpoint.clone(), true, 0.0)
    );
    assert!(home.reset().await.unwrap());

    // A server that was killed leaves a stale record; the next command starts another.
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    while home.place.alive().await.is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let again = home.ensure_running(&say).await.unwrap();
    assert!(again.started);

    assert!(home.stop().await.unwrap());
    assert_eq!(home.status().await.unwrap(), Status::Stopped);
    assert!(!home.stop().await.unwrap());
}
