//! Machines whose clocks are an hour off. A shim in front of the C library shifts the wall clock of one process and nothing else: the
//! program asks the operating system as always.

use super::*;

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
static int (*real)(clockid_t, struct timespec *);
static long shift;
__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("SHIFT_CLOCK");
    real = dlsym(RTLD_NEXT, "clock_gettime");
    shift = text ? atol(text) : 0;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    if (!real) begin();
    int error = real(id, now);
    if (!error && id == CLOCK_REALTIME) now->tv_sec += getenv("JUMPING_CLOCK") && now->tv_sec % 2 ? -shift : shift;
    return error;
}
"#;

const HOUR: i64 = 3600;

/// A C compiler is there: Rust links with it.
fn shim(world: &World) -> std::path::PathBuf {
    let source = world.folder.path().join("clock.c");
    let library = world.folder.path().join("clock.so");
    std::fs::write(&source, SHIM).expect("a source");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let done = Command::new(compiler)
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .status()
        .expect("a C compiler");
    assert!(done.success());
    library
}

struct Shifted<'a> {
    world: &'a World,
    shim: std::path::PathBuf,
}

impl<'a> Shifted<'a> {
    fn of(world: &'a World) -> Self {
        Self {
            shim: shim(world),
            world,
        }
    }

    fn command(&self, machine: &str, shift: i64, arguments: &[&str]) -> Command {
        let mut command = self.world.command(machine, arguments);
        command
            .env("LD_PRELOAD", &self.shim)
            .env("SHIFT_CLOCK", shift.to_string())
            .env("CIRCLES_LEASE", "4s")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn expect(&self, machine: &str, shift: i64, arguments: &[&str], code: i32) -> String {
        let output = self.command(machine, shift, arguments).output();
        super::said(&output.expect("the program runs"), machine, code)
    }

    /// Ann's apply is killed half way.
    async fn killed(&self, shift: i64) {
        self.world.slow(0.3).await;
        let apply = ["apply", "--yes", "--parallelism", "2"];
        let mut first = self.command("ann", shift, &apply);
        let mut first = first.spawn().expect("the program starts");
        self.world.until_made(3).await;
        first.kill().expect("a killed child");
        first.wait().expect("an ended child");
        self.world.quick().await;
    }

    /// Bob is refused while Ann's apply is under way, which ends undisturbed.
    async fn keeps_the_lease(&self, mut ann: Command, mut bob: Command) {
        self.world.slow(1.0).await;
        let first = ann.spawn().expect("the program starts");
        self.world.until_made(1).await;
        let refused = super::said(&bob.output().expect("the program runs"), "bob", 75);
        assert!(refused.contains("ann@"), "{refused}");
        self.world.quick().await;
        let output = first.wait_with_output().expect("the first run's end");
        super::said(&output, "ann", 0);
        assert_eq!(self.world.made().await, GROUPS, "nothing was made twice");
    }
}

const ONE_BY_ONE: [&str; 4] = ["apply", "--yes", "--parallelism", "1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holder_is_taken_over_by_the_watchers_own_clock() {
    for (dead, watcher) in [(HOUR, -HOUR), (-HOUR, HOUR)] {
        let world = World::in_s3();
        let machines = Shifted::of(&world);
        machines.killed(dead).await;
        let since = Instant::now();
        machines.expect("ci", watcher, &["apply", "--yes"], 0);
        // Neither at once, because it seems to be over long since, nor in two hours.
        assert!(since.elapsed() >= Duration::from_secs(4));
        machines.expect("ci", watcher, &["plan", "--detailed-exitcode"], 0);
        machines.expect("bob", 0, &["plan", "--detailed-exitcode"], 0);
        assert!(world.made().await <= GROUPS + 2, "{}", world.made().await);
        // Each wrote down what it took for the time; the runs stand in their order all the same.
        let history = world.expect("bob", &["--quiet", "history", "--json"], 0);
        let runs: Json = serde_json::from_str(&history).expect("JSON");
        let started = |run: usize| {
            let text = runs[run]["started"].as_str().expect("a time");
            text.parse::<jiff::Timestamp>().expect("a time").as_second()
        };
        assert!(
            runs[0]["who"]
                .as_str()
                .is_some_and(|who| who.contains("ci@"))
        );
        let apart = started(0) - started(1);
        assert!((apart - (watcher - dead)).abs() < HOUR, "{apart} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_holder_keeps_its_lease_whatever_the_clocks_say() {
    let world = World::in_s3();
    let machines = Shifted::of(&world);
    // Its claim says that it was made an hour ago.
    let mut ann = machines.command("ann", -HOUR, &ONE_BY_ONE);
    ann.env("CIRCLES_LEASE", "10s");
    let bob = machines.command("bob", HOUR, &["apply", "--yes"]);
    machines.keeps_the_lease(ann, bob).await;
}

/// A clock that somebody or something keeps setting: forward and back by two hours, each second.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_neither_steals_nor_loses_a_lease() {
    let world = World::in_s3();
    let machines = Shifted::of(&world);
    let mut ann = machines.command("ann", HOUR, &ONE_BY_ONE);
    ann.env("JUMPING_CLOCK", "yes");
    let mut bob = machines.command("bob", HOUR, &["apply", "--yes"]);
    bob.env("JUMPING_CLOCK", "yes");
    machines.keeps_the_lease(ann, bob).await;
    world.expect("bob", &["plan", "--detailed-exitcode"], 0);
}

/// A clock that is set right between two runs on one machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_holds_nobody_up() {
    let world = World::new(&small("{ backend: local }"));
    Shifted::of(&world).killed(HOUR).await;
    world.expect("ann", &["apply", "--yes"], 0);
    world.expect("ann", &["plan", "--detailed-exitcode"], 0);
}
