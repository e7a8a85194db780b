//! What must hold, by comparisons of the simulation's own.

use std::collections::BTreeMap;

use circles_infra::model::Value;
use circles_infra::plan::Ask;
use circles_infra::state::Store;
use tokio::time::{Duration, sleep};

use crate::cloud::{Inner, Thing};
use crate::drive::End;
use crate::graph::{Graph, Node};
use crate::kinds::HUSH;
use crate::nature::{Ids, facts, has};
use crate::process::Mishap;
use crate::universe::{Disk, Universe};

type Verdict = Result<(), String>;

/// After every run, whatever happened.
pub fn after_run(world: &Universe) -> Verdict {
    let inner = world.cloud.now();
    if let Some(first) = inner.violations.first() {
        return Err(first.clone());
    }
    drop(inner);
    let texts = match &world.disk {
        Disk::Bucket(bucket) => bucket.texts(),
        Disk::Local(root) => files(root.path()),
    };
    let tells = |text: &Vec<u8>| text.windows(HUSH.len()).any(|part| part == HUSH.as_bytes());
    if texts.iter().any(tells) {
        return Err("a secret stands in state or journal".into());
    }
    Ok(())
}

fn files(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(std::fs::read(&path).unwrap_or_default());
        }
    }
    all
}

/// When all is done: what is wished is there, once, and nothing else of ours.
pub async fn at_the_end(world: &Universe, graph: &Graph, destroyed: bool) -> Verdict {
    after_run(world)?;
    let wished: &[Node] = if destroyed { &[] } else { &graph.0 };
    exactly(&world.cloud.now(), wished)?;
    let process = world.process(Mishap::default());
    let store: std::sync::Arc<dyn Store> = world.shelf(&process);
    let ask = Ask {
        destroy: destroyed,
        ..Ask::default()
    };
    let planned = match world.look(&process, &store, &graph.wishes(), &ask).await {
        Ok(planned) => planned,
        Err(end) => return Err(format!("no plan at the end: {end:?}")),
    };
    if let Some(step) = planned.plan.steps.first() {
        return Err(format!("the plan is not empty: {step:?}"));
    }
    recorded(world, wished, &planned.snapshot)?;
    let open = planned.unfinished.run.is_some() && !planned.unfinished.closed;
    if open {
        return Err("the journal was not put away".into());
    }
    // A lease is given back by a task of its own.
    sleep(Duration::from_secs(1)).await;
    let holder = circles_infra::state::Holder {
        who: "judge".into(),
        doing: "look".into(),
        since: String::new(),
        process: 0,
    };
    match store.lease(holder).await {
        Ok(lease) if !lease.taken_over() => {
            drop(lease);
            sleep(Duration::from_secs(1)).await;
            Ok(())
        }
        Ok(_) => Err("a lease was left, and has run out".into()),
        Err(error) => Err(format!("a lease is left: {error}")),
    }
}

/// The state holds exactly what is there.
fn recorded(
    world: &Universe,
    wished: &[Node],
    snapshot: &circles_infra::state::Snapshot,
) -> Verdict {
    let live = current(&world.cloud.now());
    let wanted: BTreeMap<String, String> = wished
        .iter()
        .filter_map(|node| Some((node.address.clone(), live.get(&node.address)?.id.clone())))
        .collect();
    let known: BTreeMap<String, String> = snapshot
        .resources
        .iter()
        .map(|(address, record)| (address.to_string(), record.id.to_string()))
        .collect();
    if wanted != known || !snapshot.leftovers.is_empty() {
        return Err(format!(
            "the state says {known:?} and {} left over; there is {wanted:?}",
            snapshot.leftovers.len()
        ));
    }
    Ok(())
}

/// By address: what stands there; of a family the newest revision.
fn current(inner: &Inner) -> BTreeMap<String, Thing> {
    let mut live: BTreeMap<String, Thing> = BTreeMap::new();
    for thing in inner.things.values().filter(|thing| thing.ours) {
        let Some(owner) = thing.owner() else { continue };
        let newer = live
            .get(owner.address.as_str())
            .is_none_or(|other| other.number < thing.number);
        if newer {
            live.insert(owner.address.to_string(), thing.clone());
        }
    }
    live
}

fn exactly(inner: &Inner, wished: &[Node]) -> Verdict {
    let live = current(inner);
    for thing in inner.things.values().filter(|thing| thing.ours) {
        let owner = thing.owner();
        let owner = owner.ok_or_else(|| format!("{} was made by us and is nobody's", thing.id))?;
        let node = wished
            .iter()
            .find(|node| node.address == owner.address.as_str());
        if node.is_none() && inner.overlooked.contains(&thing.id) {
            continue;
        }
        let node = node.ok_or_else(|| format!("{} ({}) is left", owner.address, thing.id))?;
        let last = &live[&node.address];
        let older_revision = facts(thing.kind).ids == Ids::Revised
            && crate::rules::family(&last.id) == crate::rules::family(&thing.id);
        if last.id != thing.id && !older_revision {
            return Err(format!(
                "{} is there twice: {} and {}",
                node.address, thing.id, last.id
            ));
        }
    }
    for node in wished {
        let thing = live
            .get(&node.address)
            .ok_or_else(|| format!("{} is not there", node.address))?;
        as_wished(node, thing, &live)
            .map_err(|what| format!("{} ({}): {what}", node.address, thing.id))?;
    }
    Ok(())
}

/// A wish against what is there, field by field, in its own words.
fn as_wished(node: &Node, thing: &Thing, live: &BTreeMap<String, Thing>) -> Verdict {
    if thing.kind != node.kind {
        return Err(format!("is a {}", thing.kind));
    }
    if thing.going.is_some() || thing.broken {
        return Err("is going or broken".into());
    }
    let is = &thing.attributes;
    let differs = |field: &str| Err(format!("{field} is {:?}", is.get(field)));
    if has(&node.kind, "size") && is.get("size").as_int() != Some(node.size) {
        return differs("size");
    }
    if has(&node.kind, "shape") && is.text("shape") != Some(&node.shape) {
        return differs("shape");
    }
    if has(&node.kind, "name") {
        let name = is.text("name").unwrap_or_default();
        let suffixed = node.kind == "sim.pool" && name.starts_with(&format!("{}-", node.name));
        if name != node.name && !suffixed {
            return differs("name");
        }
    }
    let id = |address: &String| live.get(address).map(|thing| thing.id.clone());
    if has(&node.kind, "on") {
        let mut want: Vec<String> = node.on.iter().filter_map(id).collect();
        let have = is.get("on").as_list().unwrap_or_default().iter();
        let mut have: Vec<String> = have.filter_map(Value::as_text).map(str::to_owned).collect();
        want.sort();
        have.sort();
        if want != have {
            return differs("on");
        }
    }
    if has(&node.kind, "parent")
        && is.text("parent") != node.parent.as_ref().and_then(id).as_deref()
    {
        return differs("parent");
    }
    if has(&node.kind, "revision")
        && is.text("revision") != node.revision.as_ref().and_then(id).as_deref()
    {
        return differs("revision");
    }
    if thing.tags.get("Name") != Some(&node.name) || thing.tags.get("team") != node.team.as_ref() {
        return Err(format!("its tags are {:?}", thing.tags));
    }
    Ok(())
}

/// Whether a disturbed run ended as a run may.
pub fn ended(end: &End, permitted: &[String]) -> Verdict {
    match end {
        End::Wrong(what) => Err(what.clone()),
        End::Refused(refusals) => {
            let unasked = refusals
                .iter()
                .find(|refusal| permitted.contains(&refusal.address().to_string()));
            match unasked {
                Some(refusal)
                    if matches!(refusal, circles_infra::plan::Refusal::LosesData { .. }) =>
                {
                    Err(format!("refused although it was permitted: {refusal:?}"))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
