//! The three runs that are walked: making everything, replacing the target group, destroying everything.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;

use super::world::{Ended, World, same};
use crate::wire::{Call, Script};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    Apply,
    /// Another port: the target group cannot change it, so a second one is made, the listener moved, the first deleted.
    Replace,
    Destroy,
}

/// What a run that nothing happened to does and leaves.
#[derive(Clone)]
pub struct Clean {
    pub course: Course,
    pub calls: Vec<Call>,
    pub inventory: Arc<Json>,
}

impl Course {
    fn stack(self, world: &World) -> PathBuf {
        match self {
            Self::Apply | Self::Destroy => World::stack(),
            Self::Replace => world.changed_stack("port: 8000", "port: 8080"),
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Apply | Self::Replace => &["apply", "--yes"],
            Self::Destroy => &["destroy", "--yes"],
        }
    }

    /// Calls without which it would not be that run.
    fn must_call(self) -> &'static [&'static str] {
        match self {
            Self::Apply => &["CreateVpc", "CreateDBInstance", "CreateService"],
            Self::Replace => &["CreateTargetGroup", "ModifyListener", "DeleteTargetGroup"],
            Self::Destroy => &["DeleteVpc", "DeleteDBInstance", "DeleteService"],
        }
    }

    /// An account as the run finds it.
    pub async fn prepare(self, world: &World) -> Result<(), String> {
        world.empty().await;
        if self != Self::Apply {
            let apply = ["apply", "--yes"];
            world
                .expect(&World::stack(), &apply, 0, "before the run")
                .await?;
        }
        Ok(())
    }

    pub async fn run(self, world: &World, script: Arc<Script>) -> Ended {
        world
            .run(&self.stack(world), self.arguments(), script)
            .await
    }

    /// The run, undisturbed, in a world of its own.
    pub async fn clean(self) -> Clean {
        let world = World::new().await;
        self.prepare(&world)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let ended = self.run(&world, Script::pass()).await;
        let ended = ended
            .expect(0, "undisturbed")
            .unwrap_or_else(|error| panic!("{error}"));
        let calls = ended.script.mutating();
        for action in self.must_call() {
            assert!(calls.iter().any(|call| call.action == *action), "{action}");
        }
        Clean {
            course: self,
            calls,
            inventory: Arc::new(world.inventory().await),
        }
    }
}

impl Clean {
    /// The run once more, and nothing is left to do: what exists is what a clean run leaves, and the plan is empty.
    pub async fn finish(&self, world: &World, when: &str) -> Result<(), String> {
        let ended = self.course.run(world, Script::pass()).await;
        ended.expect(0, &format!("run again, {when}"))?;
        self.finished(world, when).await
    }

    /// What exists is what a clean run leaves, and the plan is empty.
    pub async fn finished(&self, world: &World, when: &str) -> Result<(), String> {
        same(&world.inventory().await, &self.inventory, when)?;
        if self.course != Course::Destroy {
            let stack = self.course.stack(world);
            world
                .expect(&stack, &["plan", "--detailed-exitcode"], 0, when)
                .await?;
        }
        Ok(())
    }

    /// The nth call's name, for messages.
    pub fn call(&self, nth: usize) -> String {
        let call = &self.calls[nth - 1];
        format!(
            "call {nth} of {} ({} in a clean run)",
            self.calls.len(),
            call
        )
    }
}
