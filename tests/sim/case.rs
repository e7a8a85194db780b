//! One case, from beginning to end: graphs, what happens before and during each run, and the judgement. It can be kept as a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use circles_infra::event::Outcome;
use circles_infra::model::{Address, Attributes, Ownership, Tags};
use circles_infra::plan::{Ask, Refusal};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::deed::Deed;
use crate::drive::{Defect, End};
use crate::faults::{Dice, Fault, Tally, Weather};
use crate::graph::Graph;
use crate::judge;
use crate::nature::{KINDS, has};
use crate::process::Mishap;
use crate::universe::{Keeping, Universe, clock_off};

/// One process of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    #[serde(default)]
    pub deeds: Vec<Deed>,
    #[serde(default)]
    pub mishap: Mishap,
    #[serde(default)]
    pub weather: Weather,
    /// Another process begins so many seconds after this one.
    #[serde(default)]
    pub second: Option<u64>,
    /// The wall clock is off by so many seconds.
    #[serde(default)]
    pub clock: i64,
    /// Seconds between the end of this one and the next.
    #[serde(default)]
    pub pause: u64,
}

/// A stack as it is then, and the runs until the next edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub graph: Graph,
    #[serde(default)]
    pub destroy: bool,
    pub runs: Vec<Run>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub seed: u64,
    pub keeping: Keeping,
    pub stages: Vec<Stage>,
}

/// What went wrong.
#[derive(Debug)]
pub struct Failure {
    pub what: String,
}

/// In a runtime of its own, in virtual time; a panic is a failure too.
pub fn virtually<T>(course: impl Future<Output = Result<T, String>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    // What hangs does so in no time.
    let most = Duration::from_secs(30 * 24 * 3600);
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let played = tokio::time::timeout(most, course).await;
            played.unwrap_or_else(|_| Err("it does not end".into()))
        })
    }));
    let told = match played {
        Ok(verdict) => verdict,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
            Err(format!("it panics: {}", text.unwrap_or_default()))
        }
    };
    told.map_err(|what| Failure { what })
}

impl Case {
    /// Plays it in a runtime of its own, in virtual time.
    pub fn play(
        &self,
        defect: Option<Defect>,
        tally: &Arc<Tally>,
        loud: bool,
    ) -> Result<u64, Failure> {
        virtually(self.course(defect, tally, loud))
    }

    async fn course(
        &self,
        defect: Option<Defect>,
        tally: &Arc<Tally>,
        loud: bool,
    ) -> Result<u64, String> {
        let mut world = Universe::new(self.seed, self.keeping, defect, tally);
        world.loud = loud;
        bystanders(&world);
        let mut done = Vec::new();
        let mut clean = false;
        let mut passed = 0;
        for (number, stage) in self.stages.iter().enumerate() {
            if number > 0 {
                tally.strike(Fault::Edit);
            }
            for (nth, run) in stage.runs.iter().enumerate() {
                say(&world, &format!("stage {number}, run {nth}: {run:?}"));
                let ended = self.disturbed(&world, stage, run, clean, &mut done).await;
                (clean, passed) =
                    ended.map_err(|what| format!("stage {number}, run {nth}: {what}"))?;
            }
        }
        let Some(last) = self.stages.last() else {
            return Ok(passed);
        };
        self.calm(&world, last, &mut done).await?;
        judge::at_the_end(&world, &last.graph, last.destroy).await?;
        bystanders_stand(&world)?;
        Ok(passed)
    }

    async fn disturbed(
        &self,
        world: &Universe,
        stage: &Stage,
        run: &Run,
        clean: bool,
        permitted: &mut Vec<String>,
    ) -> Result<(bool, u64), String> {
        for deed in run.deeds.iter().filter(|deed| clean || !deed.needs_clean()) {
            if deed.needs_clean() {
                // What neither a state nor a list shows cannot be known of.
                sleep(Duration::from_secs(crate::cloud::LAG + 1)).await;
            }
            deed.happen(world, &stage.graph);
        }
        if run.clock != 0 {
            world.tally.strike(Fault::ClockOff);
        }
        clock_off(run.clock);
        *world.cloud.weather.lock().unwrap() = run.weather;
        world.cloud.now().anything_goes = stage.destroy;
        let wishes = stage.graph.wishes();
        let ask = ask(stage, permitted);
        let process = world.process(run.mishap);
        let first = world.run(&process, &wishes, &ask);
        let end = match run.second {
            None => first.await,
            Some(after) => {
                let second = async {
                    sleep(Duration::from_secs(after)).await;
                    world.tally.strike(Fault::SecondWriter);
                    let process = world.process(Mishap::default());
                    world.run(&process, &wishes, &ask).await
                };
                let (end, second) = tokio::join!(first, second);
                say(world, &format!("  the second writer: {second:?}"));
                judge::ended(&second, permitted)?;
                end
            }
        };
        say(world, &format!("  ends: {end:?}"));
        judge::ended(&end, permitted)?;
        judge::after_run(world)?;
        if let End::Refused(refusals) = &end {
            grant(world, refusals, permitted);
        }
        sleep(Duration::from_secs(run.pause)).await;
        let clean = matches!(end, End::Ran(Outcome::Done)) && run.second.is_none();
        Ok((clean, process.passed()))
    }

    /// After the last fault: one run, and that is it.
    pub async fn calm(
        &self,
        world: &Universe,
        stage: &Stage,
        permitted: &mut Vec<String>,
    ) -> Result<(), String> {
        clock_off(0);
        self.calm_at(world, stage, permitted).await
    }

    /// The same, whatever the clock says.
    pub async fn calm_at(
        &self,
        world: &Universe,
        stage: &Stage,
        permitted: &mut Vec<String>,
    ) -> Result<(), String> {
        Deed::GiveNames.happen(world, &stage.graph);
        *world.cloud.weather.lock().unwrap() = Weather::CALM;
        world.cloud.now().anything_goes = stage.destroy;
        world.cloud.now().knots.clear();
        // A cloud that was set back does not know what the user has said since.
        world.cloud.now().permitted.clone_from(permitted);
        // What is carried out meanwhile may take its own time.
        while let Some(last) = world.cloud.quiet_at().filter(|last| *last > Instant::now()) {
            sleep_until(last).await;
        }
        sleep(Duration::from_secs(crate::cloud::LAG + 1)).await;
        let wishes = stage.graph.wishes();
        let mut ask_of = ask(stage, permitted);
        // The word for data that has to go is given when it is asked for.
        for _ in 0..4 {
            let process = world.process(Mishap::default());
            let end = world.run(&process, &wishes, &ask_of).await;
            say(world, &format!("the calm run ends: {end:?}"));
            match end {
                End::Ran(Outcome::Done) if !world.journal_is_open().await? => return Ok(()),
                // What was sent less than a minute ago and does not show is looked for once more.
                End::Ran(Outcome::Done) => sleep(Duration::from_secs(61)).await,
                End::Refused(refusals) => {
                    grant(world, &refusals, permitted);
                    ask_of = Ask {
                        replace: ask_of.replace,
                        ..ask(stage, permitted)
                    };
                }
                // As the plan's note says.
                End::Ran(Outcome::Failed) if ask_of.replace.is_empty() => {
                    ask_of.replace = knots(world)?;
                }
                end => return Err(format!("the calm run ends with {end:?}")),
            }
        }
        Err("the calm run does not come to its end".into())
    }

    /// Every address of every stage.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        let all = self.stages.iter().flat_map(|stage| stage.graph.addresses());
        all.map(Address::new)
    }

    /// Writes it down for `replay`. Says where.
    pub fn keep(&self, name: &str) -> PathBuf {
        let folder = std::env::var_os("CIRCLES_SIM_FAILURES").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("circles-sim"));
        let path = folder.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
        written.expect("a written case");
        path
    }

    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a kept case");
        serde_json::from_str(&text).expect("a case")
    }
}

fn say(world: &Universe, text: &str) {
    if world.loud {
        println!("{text}");
    }
}

fn ask(stage: &Stage, permitted: &[String]) -> Ask {
    let allowed: Vec<Address> = permitted.iter().cloned().map(Address::new).collect();
    Ask {
        destroy: stage.destroy,
        allow_delete: allowed.clone(),
        allow_replace: allowed,
        ..Ask::default()
    }
}

/// The holders that the last plan named as too late to let go.
fn knots(world: &Universe) -> Result<Vec<Address>, String> {
    let inner = world.cloud.now();
    let holders = inner
        .knots
        .iter()
        .map(|(_, holder)| Address::new(holder.clone()));
    let holders: Vec<Address> = holders.collect();
    match holders.is_empty() {
        true => Err("the calm run fails".into()),
        false => Ok(holders),
    }
}

/// The user gives the word for what was asked about.
fn grant(world: &Universe, refusals: &[Refusal], permitted: &mut Vec<String>) {
    for refusal in refusals {
        if matches!(refusal, Refusal::LosesData { .. }) {
            permitted.push(refusal.address().to_string());
        }
    }
    world.cloud.now().permitted.clone_from(permitted);
}

/// Things of others: without tags, and with the tags of another stack.
fn bystanders(world: &Universe) {
    let mut inner = world.cloud.now();
    let mut other = world.scope.clone();
    other.stack = "another".into();
    for kind in KINDS {
        for (name, tags) in [
            ("theirs", Tags::new()),
            ("others", Ownership::new(&other, &"r1".into(), 1).tags()),
        ] {
            let mut attributes = Attributes::default();
            if has(kind, "name") {
                attributes.set("name", name);
            }
            attributes.set("size", 7);
            inner.stranger(kind, attributes, tags);
        }
    }
}

fn bystanders_stand(world: &Universe) -> Result<(), String> {
    let inner = world.cloud.now();
    let stand = inner.things.values().filter(|thing| !thing.ours).count();
    if stand == KINDS.len() * 2 {
        Ok(())
    } else {
        Err(format!("{stand} things of others stand"))
    }
}

/// Dice for what a case is made of.
pub fn dice(seed: u64) -> Dice {
    Dice::at(seed, &[&"case"])
}
