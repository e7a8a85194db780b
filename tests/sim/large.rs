//! Large graphs, one random schedule a seed: two to four stages with edits between them, and whatever can go wrong before and within
//! each run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::case::{Case, Run, Stage, dice};
use crate::deed::Deed;
use crate::faults::{ALL, Dice, Tally, Weather};
use crate::graph::Graph;
use crate::process::{Boundary, Mishap};
use crate::universe::Keeping;

/// All seeds that CI plays when it is asked for everything.
const EVERYTHING: u64 = 10_000;
/// Each fault at least so often among them.
const STRUCK: u64 = 1_000;
/// Without being asked for more, at most so many seeds are played, and so many seconds spent.
const SAMPLE: u64 = 120;
const SECONDS: u64 = 30;

/// From 8 to 200 nodes, median about 40.
fn nodes(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0..=4 => dice.between(8, 29),
        5..=15 => dice.between(30, 60),
        16..=18 => dice.between(60, 120),
        _ => dice.between(120, 200),
    }
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut dice = dice(seed);
    let count = nodes(&mut dice);
    sized(seed, count, &mut dice)
}

/// One of up to so many nodes, for those who play many.
pub fn sized(seed: u64, count: u64, dice: &mut Dice) -> Case {
    let mut fresh = 0;
    let mut graph = Graph::random(dice, count, &mut fresh);
    let keeping = if dice.chance(500) {
        Keeping::Local
    } else {
        Keeping::Bucket
    };
    let loses = dice.chance(450);
    let lags = dice.chance(350);
    let mut stages = Vec::new();
    for number in 0..dice.between(2, 4) {
        if number > 0 {
            let edits = dice.between(1, 3 + count / 8);
            graph.edit(dice, edits, &mut fresh);
        }
        let times = dice.between(1, 2);
        let runs = (0..times)
            .map(|_| run(dice, &graph, count, (loses, lags)))
            .collect();
        stages.push(Stage {
            graph: graph.clone(),
            destroy: false,
            runs,
        });
    }
    if dice.chance(250) {
        stages.push(Stage {
            graph: graph.clone(),
            destroy: true,
            runs: vec![run(dice, &graph, count, (loses, lags))],
        });
    }
    Case {
        seed,
        keeping,
        stages,
    }
}

/// `lags`: what is made is known late. Then the clocks are right: what was made when is known by them.
fn run(dice: &mut Dice, graph: &Graph, count: u64, (loses, lags): (bool, bool)) -> Run {
    let boundary = |dice: &mut Dice| {
        let most = dice.between(1, 1 + count * 12);
        dice.between(1, most)
    };
    let mut mishap = Mishap::default();
    match dice.below(1000) {
        0..590 => mishap.kill_at = Some(boundary(dice)),
        590..670 => {
            mishap.stop_at = Some((boundary(dice), if dice.chance(500) { 1 } else { 2 }));
        }
        670..750 => mishap.pause_at = Some((boundary(dice), dice.between(5, 200))),
        750..945 => {
            let seldom = [
                Boundary::BeforeSwap,
                Boundary::AfterSwap,
                // A run that ends well comes by here; many do not.
                Boundary::BeforeClose,
                Boundary::BeforeClose,
                Boundary::AfterClose,
            ];
            mishap.kill_on = dice.pick(&seldom).copied();
        }
        _ => {}
    }
    let weather = Weather {
        calls: if dice.chance(600) {
            dice.between(10, 200) as u32
        } else {
            0
        },
        reads: if dice.chance(300) {
            dice.between(1, 20) as u32
        } else {
            0
        },
        lags: if dice.chance(500) {
            dice.between(50, 500) as u32
        } else {
            0
        },
        hides: if lags {
            dice.between(50, 500) as u32
        } else {
            0
        },
        breaks: if dice.chance(300) { 200 } else { 0 },
        store: if dice.chance(300) {
            dice.between(10, 100) as u32
        } else {
            0
        },
        storm: dice.chance(200).then(|| dice.between(0, 60) as u32),
    };
    let second = mishap.pause_at.is_some() || dice.chance(100);
    let off = dice.chance(200) && !lags;
    Run {
        deeds: deeds(dice, graph, loses),
        mishap,
        weather,
        second: second.then(|| dice.between(1, 90)),
        clock: if off {
            3_600 - 7_200 * dice.below(2) as i64
        } else {
            0
        },
        pause: if dice.chance(500) {
            0
        } else {
            dice.between(0, 90)
        },
    }
}

fn deeds(dice: &mut Dice, graph: &Graph, loses: bool) -> Vec<Deed> {
    let addresses = graph.addresses();
    let mut all = Vec::new();
    if loses && dice.chance(500) {
        all.push(Deed::LoseState);
    }
    for _ in 0..dice.below(4) {
        let Some(address) = dice.pick(&addresses).cloned() else {
            return all;
        };
        all.push(match dice.below(8) {
            0..=2 => Deed::Drift(address),
            3 => Deed::TagDrift {
                address,
                // Without state and tags nobody could know it again.
                all: !loses && dice.chance(300),
            },
            4..=5 => Deed::Delete(address),
            _ => Deed::TakeName(address),
        });
    }
    all
}

/// Plays seeds on all cores until there are no more of them, or no more time. Says how many were played, and what failed.
pub fn play(
    seeds: std::ops::Range<u64>,
    seconds: Option<u64>,
    make: fn(u64) -> Case,
    tally: &Arc<Tally>,
) -> (u64, BTreeMap<u64, String>) {
    let next = AtomicU64::new(seeds.start);
    let played = AtomicU64::new(0);
    let enough = AtomicBool::new(false);
    let failures = Mutex::new(BTreeMap::new());
    let began = Instant::now();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let case = make(seed);
                    if let Err(failure) = case.play(None, tally, false) {
                        let path = case.keep(&format!("seed-{seed}"));
                        let what = format!("{}\n  kept in {}", failure.what, path.display());
                        failures.lock().unwrap().insert(seed, what);
                    }
                    played.fetch_add(1, Ordering::Relaxed);
                    if seconds.is_some_and(|most| began.elapsed().as_secs() >= most) {
                        enough.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    (played.into_inner(), failures.into_inner().unwrap())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_schedules() {
    let all = std::env::var_os("CIRCLES_TEST_ALL").is_some();
    let first = number("CIRCLES_SIM_FIRST").unwrap_or(0);
    let asked = number("CIRCLES_SIM_SEEDS");
    let (count, seconds) = match (asked, all) {
        (Some(count), _) => (count, None),
        (None, true) => (EVERYTHING, None),
        (None, false) => (SAMPLE, Some(SECONDS)),
    };
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    let (played, failures) = play(first..first + count, seconds, case, &tally);
    println!("{played} seeds in {:.1} s", began.elapsed().as_secs_f64());
    for fault in ALL {
        println!("{:>9}  {fault:?}", tally.count(fault));
    }
    for (seed, what) in failures.iter().take(20) {
        println!("seed {seed}: {what}");
    }
    assert!(
        failures.is_empty(),
        "{} of {played} seeds fail: {:?}",
        failures.len(),
        failures.keys().take(20).collect::<Vec<_>>()
    );
    if played >= EVERYTHING {
        let seldom = ALL.into_iter().filter(|fault| tally.count(*fault) < STRUCK);
        let seldom: Vec<_> = seldom.collect();
        assert!(
            seldom.is_empty(),
            "struck less than {STRUCK} times: {seldom:?}"
        );
    }
}

/// One seed or one kept case again, with every event: `CIRCLES_SIM_REPLAY`.
#[test]
fn replay() {
    let Ok(which) = std::env::var("CIRCLES_SIM_REPLAY") else {
        return;
    };
    let case = match which.parse() {
        Ok(seed) => case(seed),
        Err(_) => Case::read(which.as_ref()),
    };
    let played = case.play(None, &Arc::default(), true);
    assert!(played.is_ok(), "{played:?}");
}
