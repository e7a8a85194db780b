use super::*;
use crate::state::objects::ObjectRegister;
use crate::state::objects::memory::Memory;

const NAME: &str = "lock.json";

fn leases(memory: &Arc<Memory>, length: Duration) -> Leases {
    let register = ObjectRegister {
        objects: memory.clone(),
        name: NAME.into(),
    };
    Leases::new(Arc::new(register), length)
}

fn holder(who: &str) -> Holder {
    Holder {
        who: who.into(),
        doing: "apply".into(),
        since: "2026-01-01T00:00:00Z".into(),
        process: 7,
    }
}

async fn refused(leases: &Leases, who: &str) -> StoreError {
    match leases.take(holder(who)).await {
        Err(error) => error,
        Ok(_) => panic!("{who} got the lease"),
    }
}

/// Lets tasks that are due run.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_named_and_keeps_it() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let lease = a.take(holder("ann@laptop")).await.unwrap();
    assert!(!lease.taken_over());
    // Nobody knows at first whether it is alive.
    let error = refused(&b, "ci").await;
    assert!(matches!(error, StoreError::Silent { .. }), "{error}");
    pass(LEASE / 2).await;
    let error = refused(&b, "ci").await;
    assert!(matches!(error, StoreError::Busy(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "ann@laptop is at work on this state since 2026-01-01T00:00:00Z (apply, process 7)"
    );
    for _ in 0..100 {
        pass(LEASE / 2).await;
        assert!(matches!(refused(&b, "ci").await, StoreError::Busy(_)));
        lease.held().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_given_back_is_free_at_once() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    drop(a.take(holder("ann")).await.unwrap());
    pass(Duration::from_millis(1)).await;
    let lease = b.take(holder("bob")).await.unwrap();
    assert!(!lease.taken_over(), "ann had ended in order");
    assert_eq!(lease.silence(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_after_its_length_by_our_own_clock() {
    let memory = Memory::new();
    let b = leases(&memory, LEASE);
    // Its holder's clock is an hour off, and its length its own.
    memory.set(
        NAME,
        r#"{"who":"ci","doing":"apply","since":"2999-01-01T00:00:00Z","process":1,"term":4,"beat":"x","length_ms":30000,"free":false}"#,
    );
    let StoreError::Silent { left, .. } = refused(&b, "bob").await else {
        panic!("not silent");
    };
    assert_eq!(left, Duration::from_secs(30));
    pass(Duration::from_millis(29_900)).await;
    assert!(matches!(
        refused(&b, "bob").await,
        StoreError::Silent { .. }
    ));
    pass(Duration::from_millis(200)).await;
    let lease = b.take(holder("bob")).await.unwrap();
    assert!(lease.taken_over());
    assert!(lease.silence() >= Duration::from_secs(30));
    assert!(memory.text(NAME).unwrap().contains("\"term\":5"));
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_counts_on_it_no_longer_than_the_others() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let lease = a.take(holder("ann")).await.unwrap();
    refused(&b, "bob").await;
    *memory.cut.lock().unwrap() = true;
    let since = Instant::now();
    while lease.held().is_ok() {
        pass(Duration::from_secs(1)).await;
    }
    assert!(since.elapsed() < LEASE, "{:?}", since.elapsed());
    // Nobody took it meanwhile: it is ours again with the next renewal.
    *memory.cut.lock().unwrap() = false;
    pass(LEASE / 3).await;
    lease.held().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_and_that_nobody_took_is_renewed_before_a_call() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let lease = a.take(holder("ann")).await.unwrap();
    *memory.cut.lock().unwrap() = true;
    pass(LEASE * 3).await;
    lease.held().unwrap_err();
    // As many calls as like may ask at once.
    let asked = Instant::now();
    let (mut first, mut second) = (lease.renewed(), lease.renewed());
    tokio::select! {
        biased;
        answer = &mut first => panic!("{answer:?}"),
        answer = &mut second => panic!("{answer:?}"),
        () = pass(LEASE / 2) => *memory.cut.lock().unwrap() = false,
    }
    first.await.unwrap();
    second.await.unwrap();
    assert!(asked.elapsed() < LEASE, "{:?}", asked.elapsed());
    lease.held().unwrap();
    assert!(matches!(
        refused(&b, "bob").await,
        StoreError::Silent { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn who_stays_cut_off_is_told_so_after_another_length() {
    let memory = Memory::new();
    let lease = leases(&memory, LEASE).take(holder("ann")).await.unwrap();
    *memory.cut.lock().unwrap() = true;
    pass(LEASE).await;
    let asked = Instant::now();
    let why = lease.renewed().await.unwrap_err();
    assert!(why.contains("could not be renewed"), "{why}");
    assert_eq!(asked.elapsed(), LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ran_out_and_that_somebody_took_is_lost() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let lease = a.take(holder("ann")).await.unwrap();
    *memory.cut.lock().unwrap() = true;
    pass(LEASE).await;
    *memory.cut.lock().unwrap() = false;
    memory.set(
        NAME,
        r#"{"who":"bob","doing":"apply","since":"now","process":1,"term":2,"beat":"y","length_ms":60000,"free":true}"#,
    );
    let why = lease.renewed().await.unwrap_err();
    assert!(why.contains("taken over"), "given back or not: {why}");
    drop(lease);
    b.take(holder("ci")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_deleted_is_written_again() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let lease = a.take(holder("ann")).await.unwrap();
    memory.remove(NAME);
    pass(LEASE / 2).await;
    lease.held().unwrap();
    assert!(matches!(
        refused(&b, "bob").await,
        StoreError::Silent { .. }
    ));
    drop(lease);
    pass(Duration::from_millis(1)).await;
    b.take(holder("bob")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_was_taken_over_from_knows_and_does_not_write_over_it() {
    let memory = Memory::new();
    let a = leases(&memory, LEASE);
    let lease = a.take(holder("ann")).await.unwrap();
    let theirs = r#"{"who":"bob","doing":"apply","since":"now","process":1,"term":2,"beat":"y","length_ms":60000,"free":false}"#;
    memory.set(NAME, theirs);
    pass(LEASE / 2).await;
    let why = lease.held().unwrap_err();
    assert!(why.contains("taken over"), "{why}");
    drop(lease);
    pass(LEASE).await;
    assert_eq!(memory.text(NAME).as_deref(), Some(theirs));
}

#[tokio::test(start_paused = true)]
async fn lost_answers_lose_no_lease() {
    let memory = Memory::new();
    let a = leases(&memory, LEASE);
    *memory.lose.lock().unwrap() = 1;
    let lease = a.take(holder("ann")).await.unwrap();
    for _ in 0..20 {
        *memory.lose.lock().unwrap() = 2;
        pass(LEASE / 3).await;
        lease.held().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_at_once_one_gets_it() {
    let memory = Memory::new();
    let (a, b) = (leases(&memory, LEASE), leases(&memory, LEASE));
    let (one, other) = tokio::join!(a.take(holder("ann")), b.take(holder("bob")));
    assert!(one.is_ok() != other.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lock_made_by_hand_is_told_of_and_then_taken() {
    for text in ["", "{}", "locked by ann, do not touch", "\u{1}"] {
        let memory = Memory::new();
        let a = leases(&memory, LEASE);
        memory.set(NAME, text);
        let error = refused(&a, "ann").await;
        assert!(
            error
                .to_string()
                .contains("was not written by circles-infra"),
            "{error}"
        );
        pass(LEASE).await;
        a.take(holder("ann")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_for_years_is_watched_for_minutes() {
    let memory = Memory::new();
    let a = leases(&memory, LEASE);
    memory.set(
        NAME,
        r#"{"who":"x","doing":"x","since":"x","process":1,"term":1,"beat":"x","length_ms":99999999999,"free":false}"#,
    );
    refused(&a, "ann").await;
    pass(LONGEST).await;
    a.take(holder("ann")).await.unwrap();
}

#[test]
fn leaving_a_runtime_gives_it_back_before_going_on() {
    let memory = Memory::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let lease = leases(&memory, LEASE).take(holder("ann")).await.unwrap();
        drop(lease);
        assert!(memory.text(NAME).unwrap().contains("\"free\":true"));
    });
}
