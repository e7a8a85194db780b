//! Asked to stop: once, twice, three times, by SIGINT or SIGTERM, and as CI systems do it. The next run always converges.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use super::course::{Clean, Course};
use super::walk::all;
use super::world::{Ended, Running, World};
use crate::wire::{Deed, Held, Moment, Script, When};

const NO_MORE: &str = "nothing new starts";
const NO_WAITS: &str = "waits are given up";

/// An apply with one of its calls held.
async fn held_at(world: &World, when: When, moment: Moment, more: &[&str]) -> (Running, Held) {
    let held = Held::new();
    let deed = Deed::Hold(moment, held.clone());
    let mut arguments = vec!["apply", "--yes"];
    arguments.extend(more);
    let script = Script::new(when, deed);
    let run = world.start(&World::stack(), &arguments, script);
    held.arrived().await;
    (run, held)
}

async fn converges(clean: &Clean, world: &World, when: &str) {
    if let Err(error) = clean.finish(world, when).await {
        panic!("{error}");
    }
}

fn interrupted(ended: Ended, when: &str) -> Ended {
    let ended = ended.expect(130, when).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        ended.text.contains("to go on: circles-infra apply"),
        "{when}: it does not say how to go on\n{}",
        ended.text
    );
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn once_nothing_new_starts_and_all_is_saved() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    for signal in [Signal::INT, Signal::TERM] {
        world.empty().await;
        let (run, held) = held_at(&world, When::Mutating(12), Moment::Before, &["--json"]).await;
        run.signal(signal);
        run.says("\"event\":\"stopping\"").await;
        held.release();
        let ended = interrupted(run.end().await, "asked once");
        let events: Vec<Json> = ended
            .text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let is = |event: &Json, name: &str| event["event"] == name;
        let stopped = events.iter().position(|event| is(event, "stopping"));
        let (before, after) = events.split_at(stopped.expect("a word that it stops"));
        let started = before.iter().filter(|e| is(e, "step_started")).count();
        assert!(after.iter().all(|event| !is(event, "step_started")));
        // What has sent a call ends; a step that had yet to send its first one leaves nothing.
        let named = |name: &str| -> BTreeSet<String> {
            let all = events.iter().filter(|event| is(event, name));
            all.filter_map(|event| Some(event["address"].as_str()?.to_owned()))
                .collect()
        };
        let done = named("step_done");
        assert!(named("step_learned").is_subset(&done), "{}", ended.text);
        let recorded: BTreeSet<String> = world.recorded().into_iter().collect();
        assert_eq!(recorded, done, "{}", ended.text);
        // Something was left to start, however slow the machine was to pass the signal on.
        assert!(started < clean.calls.len() / 2, "{started} steps: too late");
        converges(&clean, &world, "asked once to stop").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_waits_are_given_up() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    for signals in [[Signal::INT, Signal::INT], [Signal::TERM, Signal::INT]] {
        world.empty().await;
        // A database takes minutes then.
        world.clock(1.0).await;
        let run = world.start(&World::stack(), &["apply", "--yes"], Script::pass());
        run.says("waiting: ").await;
        run.signal(signals[0]);
        run.says(NO_MORE).await;
        run.signal(signals[1]);
        let ended = interrupted(run.end().await, "asked twice");
        assert!(ended.text.contains(NO_WAITS), "{}", ended.text);
        world.clock(0.0).await;
        converges(&clean, &world, "asked twice to stop").await;
    }
}

/// A VPC that is made needs another call; asked twice, the run does not send it.
#[tokio::test(flavor = "multi_thread")]
async fn twice_only_calls_in_flight_are_finished() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    let next = |run: &Ended| {
        run.script
            .mutating()
            .iter()
            .any(|call| call.action == "ModifyVpcAttribute")
    };
    for times in [1, 2] {
        world.empty().await;
        let (run, held) = held_at(&world, When::Named("CreateVpc"), Moment::After, &[]).await;
        for said in [NO_MORE, NO_WAITS].into_iter().take(times) {
            run.signal(Signal::INT);
            run.says(said).await;
        }
        held.release();
        let ended = interrupted(run.end().await, "a VPC half made");
        assert_eq!(next(&ended), times == 1, "{}", ended.text);
        assert!(world.recorded().iter().any(|one| one == "network/vpc"));
        converges(&clean, &world, "a VPC half made").await;
    }
}

/// What AWS has refused so far has made nothing: once is enough for its attempts to end, however long AWS would be waited for.
#[tokio::test(flavor = "multi_thread")]
async fn once_what_is_refused_is_not_tried_again() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    let fault = json!({
        "kind": "refuse", "service": "ec2", "action": "CreateNatGateway",
        "code": "Resource.AlreadyAssociated", "message": "not now",
    });
    world.control("POST", "faults", &fault).await;
    let run = world.start(&World::stack(), &["apply", "--yes"], Script::pass());
    run.says("waiting: not now").await;
    run.signal(Signal::INT);
    let ended = interrupted(run.end().await, "asked once while AWS refuses");
    assert!(!ended.text.contains(NO_WAITS), "{}", ended.text);
    world.control("DELETE", "faults", &Json::Null).await;
    converges(&clean, &world, "asked once while AWS refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_times_it_leaves_at_once() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    for (moment, signal) in [(Moment::Before, Signal::INT), (Moment::After, Signal::TERM)] {
        world.empty().await;
        let (run, held) = held_at(&world, When::Mutating(20), moment, &[]).await;
        run.signal(signal);
        run.says(NO_MORE).await;
        run.signal(signal);
        run.says(NO_WAITS).await;
        run.signal(signal);
        let ended = run.end().await;
        let ended = ended.expect(130, "asked three times");
        let ended = ended.unwrap_or_else(|e| panic!("{e}"));
        assert!(ended.text.contains("goes on from there"), "{}", ended.text);
        held.release();
        converges(&clean, &world, "asked three times to stop").await;
    }
}

/// GitHub Actions: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that, while a call does not come back.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_by_a_ci_system() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    let points: &[usize] = if all() { &[5, 15, 25, 35, 45] } else { &[15] };
    for nth in points {
        for moment in [Moment::Before, Moment::After] {
            world.empty().await;
            let (run, held) = held_at(&world, When::Mutating(*nth), moment, &[]).await;
            run.signal(Signal::INT);
            tokio::time::sleep(Duration::from_millis(7500)).await;
            run.signal(Signal::TERM);
            tokio::time::sleep(Duration::from_millis(2500)).await;
            run.signal(Signal::KILL);
            assert!(run.end().await.killed());
            held.release();
            let when = format!("cancelled while {} was held {moment:?}", clean.call(*nth));
            converges(&clean, &world, &when).await;
        }
    }
}
