//! Two applies at once: one works, the other says who is at work, or waits.

use super::course::Course;
use super::world::World;
use crate::wire::{Deed, Held, Moment, Script, When};

const APPLY: [&str; 2] = ["apply", "--yes"];

#[tokio::test(flavor = "multi_thread")]
async fn the_second_says_who_is_at_work_or_waits() {
    let clean = Course::Apply.clean().await;
    let world = World::new().await;
    let stack = World::stack();
    let held = Held::new();
    let holding = Deed::Hold(Moment::After, held.clone());
    let first = world.start(&stack, &APPLY, Script::new(When::Mutating(9), holding));
    held.arrived().await;
    let second = world.run(&stack, &APPLY, Script::pass()).await;
    let second = second
        .expect(75, "while another is at work")
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(second.text.contains("apply"), "{}", second.text);
    assert!(second.text.contains("--lock-timeout"), "{}", second.text);
    assert!(second.script.mutating().is_empty(), "it changed something");
    let patient = [APPLY[0], APPLY[1], "--lock-timeout", "2m"];
    let third = world.start(&stack, &patient, Script::pass());
    third.says("waiting").await;
    held.release();
    for (name, run) in [("first", first), ("third", third)] {
        run.end()
            .await
            .expect(0, name)
            .unwrap_or_else(|e| panic!("{e}"));
    }
    clean
        .finished(&world, "after two applies at once")
        .await
        .unwrap_or_else(|e| panic!("{e}"));
}
