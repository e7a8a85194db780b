//! A fifth of all calls throttled or failing with 5xx, reads among them: everything goes on as if nothing were.

use super::course::Course;
use super::walk::{Point, all, walk};
use super::world::{World, same};
use crate::wire::{Deed, Failing, Script, When};

const PERCENT: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_of_all_calls_may_fail() {
    let clean = Course::Apply.clean().await;
    let seeds: Vec<u64> = (1..=if all() { 20 } else { 2 }).collect();
    walk("a fifth of all calls fails", seeds, move |world, seed| {
        let clean = clean.clone();
        async move {
            world.empty().await;
            let nothing = world.inventory().await;
            let storm = |part: u64| {
                let seed = seed * 10 + part;
                let percent = PERCENT;
                Script::new(When::Share { percent, seed }, Deed::Fail(&Failing::ALL))
            };
            let stack = World::stack();
            let mut struck = 0;
            for (part, arguments, code) in [
                (0, &["apply", "--yes"][..], 0),
                (1, &["plan", "--detailed-exitcode"], 0),
                (2, &["destroy", "--yes"], 0),
            ] {
                let when = format!("seed {seed}, {}", arguments.join(" "));
                let ended = world.run(&stack, arguments, storm(part)).await;
                let ended = ended.expect(code, &when)?;
                struck += ended.script.struck();
                match part {
                    0 => same(&world.inventory().await, &clean.inventory, &when)?,
                    2 => same(&world.inventory().await, &nothing, &when)?,
                    _ => {}
                }
            }
            assert!(struck > 20, "seed {seed}: only {struck} calls failed");
            Ok(Point::Converged)
        }
    })
    .await;
}
