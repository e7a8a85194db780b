//! An apply waits for what AWS takes its time for, and hardly longer: at most 1.05 × the critical path of its graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use circles_infra::event::Outcome;
use circles_infra::plan::Ask;
use tokio::time::{Duration, Instant};

use crate::case::dice;
use crate::drive::End;
use crate::faults::Tally;
use crate::graph::Graph;
use crate::nature::facts;
use crate::process::Mishap;
use crate::universe::{Keeping, Universe};

/// The longest chain of waiting times; calls are not even counted.
fn critical_path(graph: &Graph) -> Duration {
    let mut ready: BTreeMap<&str, Duration> = BTreeMap::new();
    for node in &graph.0 {
        let before = node.needs().filter_map(|need| ready.get(need.as_str()));
        let before = before.max().copied().unwrap_or_default();
        ready.insert(&node.address, before + facts(&node.kind).ready);
    }
    ready.into_values().max().unwrap_or_default()
}

#[test]
fn an_apply_takes_its_critical_path_and_little_more() {
    let tally = Arc::new(Tally::default());
    let mut measured = 0;
    for seed in 0..24 {
        let mut dice = dice(seed);
        let graph = Graph::random(&mut dice, 40, &mut 0);
        let path = critical_path(&graph);
        if path < Duration::from_secs(400) {
            continue;
        }
        measured += 1;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let took = runtime.block_on(async {
            let keeping = if seed % 2 == 0 {
                Keeping::Local
            } else {
                Keeping::Bucket
            };
            let world = Universe::new(seed, keeping, None, &tally);
            let process = world.process(Mishap::default());
            let began = Instant::now();
            let end = world.run(&process, &graph.wishes(), &Ask::default()).await;
            assert!(
                matches!(end, End::Ran(Outcome::Done)),
                "seed {seed}: {end:?}"
            );
            began.elapsed()
        });
        let ratio = took.as_secs_f64() / path.as_secs_f64();
        println!(
            "seed {seed}: {:.0} s for {:.0} s, {ratio:.3}",
            took.as_secs_f64(),
            path.as_secs_f64()
        );
        assert!(
            ratio <= 1.05,
            "seed {seed}: {took:?} for a path of {path:?}"
        );
    }
    assert!(measured >= 8, "only {measured} graphs wait long enough");
}
