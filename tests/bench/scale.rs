//! How loading, saving and planning grow with the number of resources, reads answered from memory. Budgets: a plan of 10 000 resources
//! takes at most 1 s and 200 MB, a state of 10 000 loads and saves in at most 100 ms each, and all of it is linear.
//!
//! `make bench-scale`. An example to cargo: a bench is built with unwinding, and all the SDKs once more for it.

#![allow(dead_code)]

#[path = "../sim/cloud.rs"]
mod cloud;
#[path = "../sim/drive.rs"]
mod drive;
#[path = "../sim/faults.rs"]
mod faults;
#[path = "../sim/find.rs"]
mod find;
#[path = "../sim/graph.rs"]
mod graph;
#[path = "../sim/kinds.rs"]
mod kinds;
#[path = "../sim/lag.rs"]
mod lag;
#[path = "../sim/nature.rs"]
mod nature;
#[path = "../sim/objects.rs"]
mod objects;
#[path = "../sim/process.rs"]
mod process;
#[path = "../sim/rules.rs"]
mod rules;
#[path = "../sim/shelf.rs"]
mod shelf;
#[path = "../sim/universe.rs"]
mod universe;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use circles_infra::model::{Ownership, PhysicalId};
use circles_infra::plan::Ask;
use circles_infra::state::{Record, Snapshot, Store};

use faults::{Dice, Tally};
use graph::Graph;
use process::Mishap;
use universe::{Keeping, Universe};

struct Measured {
    save: Duration,
    load: Duration,
    plan: Duration,
}

/// Everything that is wished for, there already: in the cloud and in a state.
fn stand(world: &Universe, graph: &Graph) -> Snapshot {
    let mut snapshot = Snapshot::new(world.key());
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut inner = world.cloud.now();
    for (node, wish) in graph.0.iter().zip(graph.wishes()) {
        let known = |reference: &circles_infra::model::Reference| {
            let id = ids.get(reference.address.as_str())?;
            Some(id.as_str().into())
        };
        let attributes = wish.attributes.resolve(&known);
        let mut tags = wish.tags.clone();
        tags.extend(Ownership::new(&world.scope, &wish.address, 1).tags());
        let kind = nature::KINDS.iter().find(|kind| **kind == node.kind);
        let mut kept = attributes.clone();
        kept.0.remove("password");
        kept.0.remove("keys");
        let id = inner.stranger(kind.expect("a kind"), kept, tags.clone());
        if let Some(thing) = inner.things.get_mut(&(kind.expect("a kind"), id.clone())) {
            thing.ours = true;
            thing.secret = (node.kind == "sim.secret").then(|| "hush-0".to_owned());
        }
        ids.insert(node.address.clone(), id.clone());
        let record = Record {
            kind: wish.kind.clone(),
            id: PhysicalId::new(id),
            generation: 1,
            attributes,
            tags,
            depends_on: wish.needs().into_iter().collect(),
            protect: false,
            retain: false,
            made_at: None,
        };
        snapshot.resources.insert(wish.address.clone(), record);
    }
    snapshot
}

async fn measure(count: u64) -> Measured {
    let world = Universe::new(1, Keeping::Local, None, &Arc::new(Tally::default()));
    let graph = Graph::random(&mut Dice::at(1, &[&count]), count, &mut 0);
    let snapshot = stand(&world, &graph);
    let wishes = graph.wishes();
    let process = world.process(Mishap::default());
    let store: Arc<dyn Store> = world.shelf(&process);
    let began = Instant::now();
    store.swap(None, &snapshot).await.expect("a saved state");
    let save = began.elapsed();
    let began = Instant::now();
    store.load().await.expect("a state").expect("a state");
    let load = began.elapsed();
    let began = Instant::now();
    let planned = world.look(&process, &store, &wishes, &Ask::default()).await;
    // Loading is measured by itself.
    let plan = began.elapsed().saturating_sub(load);
    let Ok(planned) = planned else {
        panic!("no plan");
    };
    assert_eq!(planned.plan.steps.len(), 0, "there is nothing to do");
    Measured { save, load, plan }
}

/// The most memory that this process ever had, in MB.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

fn main() {
    println!("resources   save ms   load ms   plan ms   memory MB");
    for count in [1_000, 2_500, 5_000, 10_000] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let measured = runtime.block_on(measure(count));
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "{count:>9} {:>9.1} {:>9.1} {:>9.1} {:>11}",
            ms(measured.save),
            ms(measured.load),
            ms(measured.plan),
            memory().map_or("?".to_owned(), |mb| mb.to_string()),
        );
    }
}
