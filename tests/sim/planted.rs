//! The simulation is tested too: faults of the program, planted one at a time, are each found.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::case::{Case, Run, dice};
use crate::drive::Defect;
use crate::faults::{Tally, Weather};
use crate::large::{play, sized};
use crate::process::Mishap;
use crate::universe::Keeping;

const DEFECTS: [Defect; 14] = [
    Defect::NoFsync,
    Defect::NoIfMatch,
    Defect::NoEpochCheck,
    Defect::NoTagCheck,
    Defect::BlindRepeat,
    Defect::NoSettleWindow,
    Defect::NoIntent,
    Defect::ParentsFirst,
    Defect::FirstPageOnly,
    Defect::SecretInState,
    Defect::KeepsLease,
    Defect::DataUnasked,
    Defect::NoGivenId,
    Defect::NoConfirmation,
];
/// Seeds that each is sought with.
const SEEDS: u64 = 100;
/// Seeds that must hold without any defect.
const HOLD: u64 = 20;

fn any(seed: u64) -> Case {
    let mut dice = dice(seed);
    let count = dice.between(10, 30);
    sized(seed, count, &mut dice)
}

/// Each run is stopped for longer than its lease, and another one takes over.
fn contended(seed: u64) -> Case {
    let mut case = any(seed);
    let mut dice = dice(seed ^ 0x5eed);
    case.keeping = Keeping::Bucket;
    for run in case.stages.iter_mut().flat_map(|stage| &mut stage.runs) {
        *run = Run {
            mishap: Mishap {
                pause_at: Some((dice.between(1, 120), dice.between(70, 200))),
                ..Mishap::default()
            },
            second: Some(dice.between(1, 20)),
            ..Run::default()
        };
    }
    case
}

/// Each run is killed while lists lag behind, and the next one begins at once.
fn hasty(seed: u64) -> Case {
    let mut case = any(seed);
    let mut dice = dice(seed ^ 0xfa57);
    for run in case.stages.iter_mut().flat_map(|stage| &mut stage.runs) {
        *run = Run {
            mishap: Mishap {
                kill_at: Some(dice.between(5, 200)),
                ..Mishap::default()
            },
            weather: Weather {
                calls: 60,
                lags: 700,
                ..Weather::CALM
            },
            ..Run::default()
        };
    }
    case
}

/// Much is late to be known; every other run is killed, and the next one begins at once.
fn lagging(seed: u64) -> Case {
    let mut case = any(seed);
    let mut dice = dice(seed ^ 0x1a6);
    for run in case.stages.iter_mut().flat_map(|stage| &mut stage.runs) {
        *run = Run {
            mishap: Mishap {
                kill_at: dice.chance(500).then(|| dice.between(5, 200)),
                ..Mishap::default()
            },
            weather: Weather {
                hides: 500,
                ..Weather::CALM
            },
            ..Run::default()
        };
    }
    case
}

/// More of each kind than a page of a list holds.
fn crowded(seed: u64) -> Case {
    let mut dice = dice(seed);
    let count = dice.between(60, 90);
    sized(seed, count, &mut dice)
}

/// The cases in which a defect shows soonest.
fn cases(defect: Defect) -> fn(u64) -> Case {
    match defect {
        Defect::NoIfMatch | Defect::NoEpochCheck => contended,
        Defect::NoSettleWindow | Defect::NoIntent => hasty,
        Defect::FirstPageOnly => crowded,
        Defect::NoGivenId | Defect::NoConfirmation => lagging,
        _ => any,
    }
}

/// The first seed that finds it, and how it shows.
fn found(defect: Defect, tally: &Arc<Tally>) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| {
        let failure = cases(defect)(seed).play(Some(defect), tally, false).err()?;
        Some((seed, failure.what))
    })
}

#[test]
fn every_planted_defect_is_found() {
    let tally = Arc::new(Tally::default());
    for make in [any, contended, hasty, crowded, lagging] {
        let (_, failures) = play(0..HOLD, None, make, &tally);
        assert!(
            failures.is_empty(),
            "they fail without any defect: {failures:?}"
        );
    }
    let missed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(defect) = DEFECTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match found(*defect, &tally) {
                        Some((seed, what)) => {
                            let first: String = what.chars().take(140).collect();
                            println!("{defect:?}: seed {seed}: {first}");
                        }
                        None => missed.lock().unwrap().push(*defect),
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
