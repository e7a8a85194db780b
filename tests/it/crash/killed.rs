//! SIGKILL right before and right after each mutating call; while it is under way, so that it is carried out when the next run is at
//! work already; and once more during the recovery.

use std::sync::Arc;
use std::time::Duration;

use super::course::{Clean, Course};
use super::walk::{Point, in_turn, moments, sample, walk};
use super::world::World;
use crate::wire::{Deed, Moment, Script, When};

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_any_call_converges() {
    once("apply killed", Course::Apply, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_killed_at_any_call_converges() {
    once("replacement killed", Course::Replace, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_at_any_call_leaves_nothing() {
    once("destroy killed", Course::Destroy, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_again_while_it_recovers_converges() {
    twice("apply killed twice", Course::Apply, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_killed_again_while_it_recovers_converges() {
    twice("replacement killed twice", Course::Replace, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_again_while_it_recovers_leaves_nothing() {
    twice("destroy killed twice", Course::Destroy, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_apply_sent_may_arrive_late() {
    late("apply, its last call late", Course::Apply, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_replacement_sent_may_arrive_late() {
    late("replacement, its last call late", Course::Replace, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_destroy_sent_may_arrive_late() {
    late("destroy, its last call late", Course::Destroy, 3).await;
}

/// Later than the next run's first look, and within the time that it gives AWS.
async fn late(name: &'static str, course: Course, few: usize) {
    let clean = course.clean().await;
    let points = sample(clean.calls.len(), few);
    walk(name, points, move |world, nth| {
        let clean = clean.clone();
        async move {
            clean.course.prepare(&world).await?;
            world.window(Duration::from_secs(4));
            let kill = Deed::KillAndDelay(Duration::from_millis(1500));
            let script = Script::new(When::Mutating(nth), kill);
            let ended = clean.course.run(&world, script).await;
            let when = format!("killed while {} was under way", clean.call(nth));
            if !ended.killed() {
                ended.expect(0, &when)?;
                return Ok(Point::NotReached);
            }
            let again = clean.course.run(&world, Script::pass()).await;
            again.expect(0, &format!("run again, {when}"))?;
            // Also when the next run was quicker: nothing of it may reach the point after this one.
            ended.script.landed().await;
            clean.finished(&world, &when).await?;
            Ok(Point::Converged)
        }
    })
    .await;
}

async fn once(name: &'static str, course: Course, few: usize) {
    let clean = course.clean().await;
    let points = moments(sample(clean.calls.len(), few));
    walk(name, points, move |world, (nth, moment)| {
        let clean = clean.clone();
        async move { killed(&clean, world, nth, moment, None).await }
    })
    .await;
}

/// The recovery is killed at its first call, its second, … in turn, on the other side of the call.
async fn twice(name: &'static str, course: Course, few: usize) {
    let clean = course.clean().await;
    let points = in_turn(sample(clean.calls.len(), few));
    walk(name, points, move |world, (nth, moment)| {
        let clean = clean.clone();
        async move { killed(&clean, world, nth, moment, Some(1 + nth % 7)).await }
    })
    .await;
}

async fn killed(
    clean: &Clean,
    world: Arc<World>,
    nth: usize,
    moment: Moment,
    again: Option<usize>,
) -> Result<Point, String> {
    clean.course.prepare(&world).await?;
    let kill = |nth, moment| Script::new(When::Mutating(nth), Deed::Kill(moment));
    let ended = clean.course.run(&world, kill(nth, moment)).await;
    let mut when = format!("killed {moment:?} {}", clean.call(nth));
    if !ended.killed() {
        ended.expect(0, &when)?;
        return Ok(Point::NotReached);
    }
    if let Some(again) = again {
        let other = match moment {
            Moment::Before => Moment::After,
            Moment::After => Moment::Before,
        };
        when = format!("{when}, killed again {other:?} call {again} of the recovery");
        let ended = clean.course.run(&world, kill(again, other)).await;
        if !ended.killed() {
            // The recovery had fewer calls left than that.
            ended.expect(0, &when)?;
        }
    }
    clean.finish(&world, &when).await?;
    Ok(Point::Converged)
}
