//! Walking over the points at which something goes wrong, two worlds side by side.

use std::future::Future;
use std::sync::{Arc, Mutex};

use super::world::World;
use crate::wire::Moment;

/// Whether every point is taken, not just a sample.
pub fn all() -> bool {
    std::env::var_os("CIRCLES_TEST_ALL").is_some()
}

/// Of so many calls, all or about `few` spread over them, beginning with the first and ending with the last.
pub fn sample(count: usize, few: usize) -> Vec<usize> {
    if all() || few >= count {
        return (1..=count).collect();
    }
    let step = (count - 1) as f64 / (few - 1) as f64;
    (0..few)
        .map(|i| 1 + (i as f64 * step).round() as usize)
        .collect()
}

const BOTH: [Moment; 2] = [Moment::Before, Moment::After];

/// Right before and right after each call; a sample takes one of the two in turn.
pub fn moments(calls: Vec<usize>) -> Vec<(usize, Moment)> {
    if !all() {
        return in_turn(calls);
    }
    calls
        .into_iter()
        .flat_map(|call| BOTH.map(|moment| (call, moment)))
        .collect()
}

/// Right before the first, right after the second, …
pub fn in_turn(calls: Vec<usize>) -> Vec<(usize, Moment)> {
    calls.into_iter().zip(BOTH.into_iter().cycle()).collect()
}

/// What one point came to.
pub enum Point {
    Converged,
    /// The run had fewer calls this time, so nothing happened to it.
    NotReached,
}

/// Takes every point, each in a world of its lane, and says at the end how many converged. `point` may rely on a world that it finds as
/// it left it after the point before; the first time it is as new.
///
/// Panics with every point that did not converge.
pub async fn walk<P, F>(
    name: &'static str,
    points: Vec<P>,
    point: impl Fn(Arc<World>, P) -> F + Clone + Send + Sync + 'static,
) where
    P: std::fmt::Debug + Clone + Send + 'static,
    F: Future<Output = Result<Point, String>> + Send,
{
    let total = points.len();
    let queue = Arc::new(Mutex::new(points.into_iter()));
    let lanes: Vec<_> = (0..total.min(2))
        .map(|_| {
            let (queue, point) = (queue.clone(), point.clone());
            tokio::spawn(async move {
                let world = Arc::new(World::new().await);
                let mut outcomes = Vec::new();
                loop {
                    let next = queue.lock().unwrap_or_else(|e| e.into_inner()).next();
                    let Some(next) = next else {
                        return outcomes;
                    };
                    let outcome = point(world.clone(), next.clone()).await;
                    if let Err(error) = &outcome {
                        eprintln!("{name} {next:?}: {error}");
                    }
                    outcomes.push((next, outcome));
                }
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for lane in lanes {
        outcomes.extend(lane.await.expect("a lane to its end"));
    }
    let missed = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Ok(Point::NotReached)))
        .count();
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|(at, outcome)| Some(format!("{at:?}: {}", outcome.as_ref().err()?)))
        .collect();
    let converged = total - missed - failed.len();
    println!("{name}: {total} points, {converged} converged, {missed} not reached");
    assert!(
        failed.is_empty(),
        "{name}: {} of {total} points did not converge\n{}",
        failed.len(),
        failed.join("\n\n")
    );
    // The number of calls may differ by a repeated one between runs, never by much.
    assert!(missed * 10 <= total, "{name}: {missed} points not reached");
}
