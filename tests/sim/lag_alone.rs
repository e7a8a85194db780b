//! What is only late is waited for: no run fails for it, and nothing is made twice.

use std::sync::Arc;
use std::time::Duration;

use circles_infra::event::Outcome;
use circles_infra::plan::Ask;

use crate::case::{Case, virtually};
use crate::cloud::LAG;
use crate::drive::End;
use crate::faults::{Fault, Tally, Weather};
use crate::judge;
use crate::process::Mishap;
use crate::small::small;
use crate::universe::Universe;

/// A stack made, changed and destroyed at once, with much that is late and nothing else that goes wrong.
async fn late(case: &Case, tally: &Arc<Tally>) -> Result<(), String> {
    let world = Universe::new(case.seed, case.keeping, None, tally);
    *world.cloud.weather.lock().unwrap() = Weather {
        hides: 600,
        ..Weather::CALM
    };
    for (number, stage) in case.stages.iter().enumerate() {
        let allowed: Vec<_> = case.addresses().collect();
        world.cloud.now().anything_goes = true;
        let ask = Ask {
            destroy: stage.destroy,
            allow_delete: allowed.clone(),
            allow_replace: allowed,
            ..Ask::default()
        };
        let process = world.process(Mishap::default());
        let end = world.run(&process, &stage.graph.wishes(), &ask).await;
        if !matches!(end, End::Ran(Outcome::Done)) {
            return Err(format!("stage {number} ends with {end:?}"));
        }
        judge::after_run(&world)?;
        let repeated = world.cloud.now().repeated.first().cloned();
        if let Some(repeated) = repeated.filter(|_| number == 0) {
            return Err(format!("sent again though it was accepted: {repeated}"));
        }
    }
    tokio::time::sleep(Duration::from_secs(LAG + 1)).await;
    let last = case.stages.last().ok_or("no stage")?;
    judge::at_the_end(&world, &last.graph, last.destroy).await
}

#[test]
fn lag_alone_fails_no_run_and_makes_nothing_twice() {
    let tally = Arc::new(Tally::default());
    for seed in 0..30 {
        for stages in 1..=3 {
            let mut case = small(seed);
            case.stages.truncate(stages);
            let played = virtually(late(&case, &tally));
            assert!(played.is_ok(), "seed {seed}, {stages} stages: {played:?}");
        }
    }
    for fault in [Fault::HiddenId, Fault::LateTags, Fault::LateChange] {
        assert!(
            tally.count(fault) > 100,
            "{fault:?}: {}",
            tally.count(fault)
        );
    }
}
