//! The answer of each mutating call lost: the run looks for what the call made, and goes on by itself.

use super::course::Course;
use super::walk::{Point, sample, walk};
use crate::wire::{Deed, Script, When};

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_goes_on_when_an_answer_is_lost() {
    lost("apply, answer lost", Course::Apply, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_goes_on_when_an_answer_is_lost() {
    lost("replacement, answer lost", Course::Replace, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_goes_on_when_an_answer_is_lost() {
    lost("destroy, answer lost", Course::Destroy, 4).await;
}

async fn lost(name: &'static str, course: Course, few: usize) {
    let clean = course.clean().await;
    let points = sample(clean.calls.len(), few);
    walk(name, points, move |world, nth| {
        let clean = clean.clone();
        async move {
            clean.course.prepare(&world).await?;
            let script = Script::new(When::Mutating(nth), Deed::Lose);
            let when = format!("answer lost to {}", clean.call(nth));
            let ended = clean.course.run(&world, script).await.expect(0, &when)?;
            if ended.script.struck() == 0 {
                return Ok(Point::NotReached);
            }
            clean.finished(&world, &when).await?;
            Ok(Point::Converged)
        }
    })
    .await;
}
