//! Small graphs: each run is killed at every boundary and run again at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::case::{Case, Run, Stage, dice};
use crate::faults::{Tally, Weather};
use crate::graph::Graph;
use crate::process::Mishap;
use crate::universe::Keeping;

/// A graph made, changed, destroyed.
pub fn small(seed: u64) -> Case {
    let mut dice = dice(seed);
    let mut fresh = 0;
    let nodes = dice.between(3, 12);
    let made = Graph::random(&mut dice, nodes, &mut fresh);
    let mut changed = made.clone();
    let edits = dice.between(1, 4);
    changed.edit(&mut dice, edits, &mut fresh);
    let stage = |graph: &Graph, destroy| Stage {
        graph: graph.clone(),
        destroy,
        runs: vec![Run::default()],
    };
    Case {
        seed,
        keeping: if seed.is_multiple_of(2) {
            Keeping::Local
        } else {
            Keeping::Bucket
        },
        stages: vec![
            stage(&made, false),
            stage(&changed, false),
            stage(&changed, true),
        ],
    }
}

/// Plays it. Says how many boundaries its last run came to.
fn check(case: &Case, tally: &Arc<Tally>) -> u64 {
    match case.play(None, tally, false) {
        Ok(boundaries) => boundaries,
        Err(failure) => {
            let path = case.keep(&format!("small-{}", case.seed));
            let at = path.display();
            panic!("seed {}: {}\nkept in {at}", case.seed, failure.what)
        }
    }
}

/// Graphs that are walked when everything is asked for, and otherwise.
const GRAPHS: (u64, u64) = (100, 1);

/// Kills its last run at every boundary; the next begins at once.
fn walk(whole: &Case, tally: &Arc<Tally>) -> u64 {
    let mut points = 0;
    for stages in 1..=whole.stages.len() {
        let mut case = whole.clone();
        case.stages.truncate(stages);
        let weather = case.stages[stages - 1].runs[0].weather;
        for kill_at in 1..=check(&case, tally) {
            let mut killed = case.clone();
            killed.stages[stages - 1].runs = vec![
                Run {
                    mishap: Mishap {
                        kill_at: Some(kill_at),
                        ..Mishap::default()
                    },
                    weather,
                    ..Run::default()
                },
                Run {
                    weather,
                    ..Run::default()
                },
            ];
            check(&killed, tally);
            points += 1;
        }
    }
    points
}

/// Walks so many graphs, as many at once as there are cores. Says how many points they came to.
pub fn each(graphs: u64, walk: impl Fn(u64) -> u64 + Sync) -> u64 {
    let next = AtomicU64::new(0);
    let points = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= graphs {
                        return;
                    }
                    points.fetch_add(walk(seed), Ordering::Relaxed);
                }
            });
        }
    });
    points.into_inner()
}

#[test]
fn a_run_killed_behind_lag_converges() {
    let all = std::env::var_os("CIRCLES_TEST_ALL").is_some();
    let graphs = if all { GRAPHS.0 } else { GRAPHS.1 };
    let tally = Arc::new(Tally::default());
    let points = each(graphs, |seed| walk(&behind_lag(seed), &tally));
    println!("{graphs} graphs behind lag, killed at {points} boundaries");
}

/// The same, with much that is known late in every run.
fn behind_lag(seed: u64) -> Case {
    let mut case = small(seed);
    for run in case.stages.iter_mut().flat_map(|stage| &mut stage.runs) {
        run.weather = LAG;
    }
    case
}

const LAG: Weather = Weather {
    hides: 400,
    ..Weather::CALM
};

#[test]
fn a_run_killed_at_any_boundary_converges() {
    let all = std::env::var_os("CIRCLES_TEST_ALL").is_some();
    let graphs = if all { GRAPHS.0 } else { GRAPHS.1 };
    let tally = Arc::new(Tally::default());
    let points = each(graphs, |seed| walk(&small(seed), &tally));
    println!("{graphs} graphs, killed at {points} boundaries");
}
