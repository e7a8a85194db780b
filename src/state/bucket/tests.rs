use super::archive::RUNS_KEPT;
use super::*;
use crate::journal::fold;
use crate::model::Scope;
use crate::state::objects::memory::Memory;

const LEASE: Duration = Duration::from_secs(60);

fn key() -> StateKey {
    StateKey {
        scope: Scope {
            stack: "shop".into(),
            environment: "dev".into(),
            account: "000000000000".into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
        },
        endpoint: None,
    }
}

fn store(memory: &Arc<Memory>) -> BucketStore {
    BucketStore::new(memory.clone(), "team/shop", key(), None, LEASE)
}

fn opened(seq: u64, epoch: u64) -> Entry {
    Entry {
        seq,
        at: 0,
        event: Event::Opened {
            run: format!("run-{epoch}"),
            epoch,
            caller: String::new(),
            who: "ann".into(),
            doing: "apply".into(),
            commit: None,
        },
    }
}

fn note(seq: u64) -> Entry {
    Entry {
        seq,
        at: 0,
        event: Event::Removed {
            kind: crate::model::KindName::new("ec2.vpc"),
            id: crate::model::PhysicalId::new(format!("vpc-{seq}")),
            address: "vpc".into(),
        },
    }
}

fn closed(seq: u64) -> Entry {
    Entry {
        seq,
        at: 0,
        event: Event::Closed,
    }
}

fn is_conflict<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_state_is_written_only_over_what_was_read() {
    let memory = Memory::new();
    let (a, b) = (store(&memory), store(&memory));
    assert!(a.load().await.unwrap().is_none());
    let first = a.swap(None, &Snapshot::new(key())).await.unwrap();
    assert!(is_conflict(b.swap(None, &Snapshot::new(key())).await));
    let (mut snapshot, read) = b.load().await.unwrap().unwrap();
    assert_eq!(read, first);
    snapshot.serial = 1;
    b.swap(Some(&read), &snapshot).await.unwrap();
    assert!(is_conflict(a.swap(Some(&first), &snapshot).await));
    assert_eq!(
        memory.names(),
        ["team/shop/shop-dev-000000000000-us-east-1/state.json"]
    );
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_looked_after() {
    let memory = Memory::new();
    let store = store(&memory);
    *memory.lose.lock().unwrap() = 1;
    let version = store.swap(None, &Snapshot::new(key())).await.unwrap();
    *memory.lose.lock().unwrap() = 3;
    let mut snapshot = Snapshot::new(key());
    snapshot.serial = 1;
    store.swap(Some(&version), &snapshot).await.unwrap();
    *memory.lose.lock().unwrap() = 2;
    store.append(&[opened(0, 1), note(1)]).await.unwrap();
    store.append(&[note(2)]).await.unwrap();
    assert_eq!(store.journal().await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_machine_goes_on_in_the_journal_and_the_first_is_shut_out() {
    let memory = Memory::new();
    let (a, b) = (store(&memory), store(&memory));
    assert!(a.journal().await.unwrap().is_empty());
    a.append(&[opened(0, 1)]).await.unwrap();
    for seq in 1..8 {
        a.append(&[note(seq)]).await.unwrap();
    }
    let entries = b.journal().await.unwrap();
    assert_eq!(entries.len(), 8);
    assert_eq!(fold(&entries).unwrap().epoch, 1);
    b.append(&[opened(8, 2)]).await.unwrap();
    let before = memory.names();
    // Paused since, and its clock an hour off: its next intent is refused, and the one after that.
    assert!(is_conflict(a.append(&[note(8)]).await));
    assert!(is_conflict(a.append(&[note(8)]).await));
    assert_eq!(memory.names(), before);
    b.append(&[closed(9)]).await.unwrap();
    b.close_journal().await.unwrap();
    // Also when all of it is put away already.
    assert!(is_conflict(a.append(&[note(8)]).await));
    // And when it looks again, for then the numbers tell that the journal is another.
    assert!(a.journal().await.unwrap().is_empty());
    assert!(is_conflict(a.append(&[note(8)]).await));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_begin_at_once_one_does() {
    let memory = Memory::new();
    let (a, b) = (store(&memory), store(&memory));
    a.journal().await.unwrap();
    b.journal().await.unwrap();
    a.append(&[opened(0, 1)]).await.unwrap();
    let mut other = opened(0, 1);
    other.at = 1;
    assert!(is_conflict(b.append(&[other]).await));
}

#[tokio::test(start_paused = true)]
async fn finished_runs_become_history_and_leave_little() {
    let memory = Memory::new();
    let store = store(&memory);
    for run in 0..RUNS_KEPT + 5 {
        assert!(store.journal().await.unwrap().is_empty());
        for entry in [opened(0, run + 1), note(1), note(2), closed(3)] {
            store.append(&[entry]).await.unwrap();
        }
        store.close_journal().await.unwrap();
    }
    let runs = store.runs().await.unwrap();
    assert_eq!(runs.len() as u64, RUNS_KEPT);
    assert!(runs.iter().all(|run| run.len() == 4));
    assert_eq!(fold(&runs[0]).unwrap().epoch, 6);
    assert_eq!(fold(runs.last().unwrap()).unwrap().epoch, RUNS_KEPT + 5);
    let names = memory.names().len() as u64;
    assert!(names <= 2 * RUNS_KEPT + 10, "{names} objects");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_died_before_its_journal_was_put_away_is_put_away_by_the_next() {
    let memory = Memory::new();
    let (a, b) = (store(&memory), store(&memory));
    a.append(&[opened(0, 1), closed(1)]).await.unwrap();
    assert!(fold(&b.journal().await.unwrap()).unwrap().closed);
    b.close_journal().await.unwrap();
    b.append(&[opened(0, 2)]).await.unwrap();
    assert_eq!(b.runs().await.unwrap().len(), 1);
    assert_eq!(b.journal().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn damage_is_named_by_place() {
    let folder = "team/shop/shop-dev-000000000000-us-east-1";
    let first = format!("{folder}/journal/99999998/00000001");
    let second = format!("{folder}/journal/99999998/00000002");
    let broken = |memory: Arc<Memory>| async move {
        store(&memory).journal().await.unwrap_err().to_string()
    };
    let written = || async {
        let memory = Memory::new();
        let store = store(&memory);
        store.append(&[opened(0, 1)]).await.unwrap();
        store.append(&[note(1), note(2)]).await.unwrap();
        memory
    };
    let memory = written().await;
    let text = memory.text(&second).unwrap();
    memory.set(&second, &text[..text.len() - 3]);
    let error = broken(memory).await;
    assert!(
        error.contains(&second) && error.contains("cut off"),
        "{error}"
    );

    let memory = written().await;
    memory.set(&second, text.replacen("vpc-1", "vpc-9", 1));
    let error = broken(memory).await;
    assert!(
        error.contains(&second) && error.contains("line 1"),
        "{error}"
    );

    let memory = written().await;
    memory.remove(&first);
    let error = broken(memory).await;
    assert!(error.contains("segment 00000001 is missing"), "{error}");

    let memory = written().await;
    let state = format!("{folder}/state.json");
    for (text, words) in [
        ("", "is damaged: it is empty"),
        ("{\"format\":1,", "is damaged"),
        ("{\"format\":99}", "newer circles-infra"),
    ] {
        memory.set(&state, text);
        let error = store(&memory).load().await.unwrap_err().to_string();
        assert!(error.contains(&state) && error.contains(words), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_put_aside_is_kept_and_not_found_again() {
    let memory = Memory::new();
    let store = store(&memory);
    store.swap(None, &Snapshot::new(key())).await.unwrap();
    store.append(&[opened(0, 1)]).await.unwrap();
    let state = memory.text(&store.name("state.json")).unwrap();
    let aside = store.put_aside().await.unwrap().unwrap();
    assert!(store.load().await.unwrap().is_none());
    assert!(store.journal().await.unwrap().is_empty());
    let kept = memory
        .names()
        .into_iter()
        .find(|name| name.contains(".moved-") && name.ends_with("state.json"))
        .unwrap();
    assert!(aside.contains(".moved-"), "{aside}");
    assert_eq!(memory.text(&kept), Some(state));
    assert!(store.put_aside().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_away_for_a_minute_is_waited_for_and_one_that_stays_away_is_not() {
    use crate::state::objects::memory::cut_for;
    let memory = Memory::new();
    let writer = store(&memory);
    writer.append(&[opened(0, 1)]).await.unwrap();
    cut_for(&memory, Duration::from_secs(60));
    writer.append(&[note(1)]).await.unwrap();
    assert_eq!(store(&memory).journal().await.unwrap().len(), 2);
    // Longer than that would only hide that nobody can go on.
    *memory.cut.lock().unwrap() = true;
    let begun = tokio::time::Instant::now();
    writer.append(&[note(2)]).await.unwrap_err();
    let waited = begun.elapsed();
    assert!(waited > LEASE && waited <= LEASE.mul_f64(1.5), "{waited:?}");
    // What was given up is written once the bucket is back, under the same name.
    *memory.cut.lock().unwrap() = false;
    writer.append(&[note(2)]).await.unwrap();
    assert_eq!(store(&memory).journal().await.unwrap().len(), 3);
}
