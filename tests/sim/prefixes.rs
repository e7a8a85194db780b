//! Small graphs: each run is resumed from every prefix of its journal, over the cloud as it was before that run, and as it was after it.

use std::path::Path;
use std::sync::Arc;

use circles_infra::journal::{Entry, Event};
use tokio::time::Instant;

use crate::case::{Case, Stage, virtually};
use crate::cloud::Inner;
use crate::faults::Tally;
use crate::judge;
use crate::small::{each, small};
use crate::universe::{Keeping, Universe, clock_off};

/// Graphs when everything is asked for, and otherwise.
const GRAPHS: (u64, u64) = (100, 10);

/// A cloud and a state as they were at some time.
struct Then {
    cloud: Inner,
    state: Option<Vec<u8>>,
}

impl Then {
    fn now(world: &Universe, folder: &Path) -> Self {
        Self {
            cloud: world.cloud.now().clone(),
            state: std::fs::read(folder.join("state.json")).ok(),
        }
    }

    /// As it was, with so much of a journal.
    fn again(&self, world: &Universe, folder: &Path, cloud: &Inner, journal: &[u8]) {
        *world.cloud.now() = cloud.clone();
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).expect("the state's folder");
        if let Some(state) = &self.state {
            std::fs::write(folder.join("state.json"), state).expect("a state");
        }
        std::fs::write(folder.join("journal.jsonl"), journal).expect("a journal");
    }
}

/// What a journal says is gone is gone: a call was only written down as done after AWS had said so.
fn take_away(world: &Universe, journal: &[u8]) {
    let mut inner = world.cloud.now();
    let lines = journal.split(|byte| *byte == b'\n');
    // A checksum stands before each.
    let texts = lines.filter_map(|line| Some(&line[line.iter().position(|byte| *byte == b'{')?..]));
    for text in texts {
        let entry: Entry = serde_json::from_slice(text).expect("an entry");
        if let Event::Removed { kind, id, .. } = entry.event {
            let gone =
                |key: &(&'static str, String)| key.0 == kind.as_str() && key.1 == id.as_str();
            inner.things.retain(|key, _| !gone(key));
        }
    }
}

/// The journal of the last run that ended.
fn last_run(folder: &Path) -> Vec<u8> {
    let runs = std::fs::read_dir(folder.join("runs")).into_iter().flatten();
    let last = runs.flatten().map(|entry| entry.path()).max();
    last.map(|path| std::fs::read(path).expect("a journal"))
        .unwrap_or_default()
}

/// Says from how many prefixes it went on.
async fn resumed(case: &Case, tally: &Arc<Tally>) -> Result<u64, String> {
    let world = Universe::new(case.seed, Keeping::Local, None, tally);
    let folder = world.folder().expect("a folder");
    let mut permitted = Vec::new();
    let mut points = 0;
    for (number, stage) in case.stages.iter().enumerate() {
        let before = Then::now(&world, &folder);
        case.calm(&world, stage, &mut permitted).await?;
        let after = Then::now(&world, &folder);
        let journal = last_run(&folder);
        let ended = Instant::now();
        let mut cuts = vec![0];
        cuts.extend((1..=journal.len()).filter(|at| journal[at - 1] == b'\n'));
        for (which, cloud) in [("before", &before.cloud), ("after", &after.cloud)] {
            for (lines, cut) in cuts.iter().enumerate() {
                let journal = &journal[..*cut];
                before.again(&world, &folder, cloud, journal);
                if which == "before" {
                    take_away(&world, journal);
                }
                let passed = i64::try_from(ended.elapsed().as_secs()).unwrap_or(0);
                goes_on(case, &world, stage, -passed, &mut permitted)
                    .await
                    .map_err(|what| {
                        format!("stage {number}, {lines} lines, the cloud as {which}: {what}")
                    })?;
                points += 1;
            }
        }
        after.again(&world, &folder, &after.cloud, b"");
    }
    Ok(points)
}

/// One run from there must do. The clock stands where it stood when the journal was written.
async fn goes_on(
    case: &Case,
    world: &Universe,
    stage: &Stage,
    clock: i64,
    permitted: &mut Vec<String>,
) -> Result<(), String> {
    clock_off(clock);
    case.calm_at(world, stage, permitted).await?;
    judge::at_the_end(world, &stage.graph, stage.destroy).await
}

#[test]
fn a_run_goes_on_from_every_prefix_of_its_journal() {
    let all = std::env::var_os("CIRCLES_TEST_ALL").is_some();
    let graphs = if all { GRAPHS.0 } else { GRAPHS.1 };
    let tally = Arc::new(Tally::default());
    let points = each(graphs, |seed| {
        let case = small(seed);
        match virtually(resumed(&case, &tally)) {
            Ok(points) => points,
            Err(failure) => panic!("seed {seed}: {}", failure.what),
        }
    });
    println!("{graphs} graphs, gone on from {points} prefixes");
}
