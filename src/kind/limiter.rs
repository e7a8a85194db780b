//! How many calls are in flight to each service: as many as it takes, learned from its throttling.
//!
//! Additive increase, multiplicative decrease: a throttled call halves the places of its service, and each round of calls that passed
//! gives one back. Calls that were under way when the places were halved halve nothing more: they speak of the old rate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Class;

/// EC2's and ELB's buckets are per action and refill at some 5 to 20 a second; IAM's control plane is global and slower.
const MOST: usize = 24;
const MOST_IAM: usize = 5;

/// One limiter for a run's calls of one sort (reads, or writes).
#[derive(Default)]
pub struct Limiter {
    services: Mutex<HashMap<String, Arc<Service>>>,
}

struct Service {
    places: Arc<Semaphore>,
    most: usize,
    state: Mutex<State>,
}

struct State {
    allowed: usize,
    /// Places that are to vanish when the calls that hold them return.
    debt: usize,
    /// Calls that passed since the last change.
    passed: usize,
    /// Counts halvings.
    era: u64,
}

/// A place among the calls in flight; dropping it gives it back.
pub struct Place {
    service: Arc<Service>,
    era: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl Limiter {
    /// Waits for a place. `action` is an IAM action; its service is what stands before the colon.
    pub async fn place(&self, action: &str) -> Place {
        let service = self.service(action.split(':').next().unwrap_or_default());
        // Nobody closes the semaphore.
        let permit = service.places.clone().acquire_owned().await.ok();
        let era = service.state().era;
        Place {
            service,
            era,
            permit,
        }
    }

    /// How many calls may be in flight to a service at present.
    pub fn allowed(&self, service: &str) -> usize {
        self.service(service).state().allowed
    }

    fn service(&self, name: &str) -> Arc<Service> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services
            .entry(name.to_owned())
            .or_insert_with(|| {
                let most = if name == "iam" { MOST_IAM } else { MOST };
                Arc::new(Service {
                    places: Arc::new(Semaphore::new(most)),
                    most,
                    state: Mutex::new(State {
                        allowed: most,
                        debt: 0,
                        passed: 0,
                        era: 0,
                    }),
                })
            })
            .clone()
    }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Tells how the call ended; `None`: it passed.
    pub fn returned(&self, error: Option<Class>) {
        let mut state = self.service.state();
        match error {
            Some(Class::Throttled) if state.era == self.era => {
                let halved = (state.allowed / 2).max(1);
                let gone = state.allowed - halved;
                state.debt += gone - self.service.places.forget_permits(gone);
                state.allowed = halved;
                state.era += 1;
                state.passed = 0;
            }
            None if state.allowed < self.service.most => {
                state.passed += 1;
                if state.passed >= state.allowed {
                    state.passed = 0;
                    state.allowed += 1;
                    match state.debt.checked_sub(1) {
                        Some(less) => state.debt = less,
                        None => self.service.places.add_permits(1),
                    }
                }
            }
            _ => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.service.state();
        if let (Some(less), Some(permit)) = (state.debt.checked_sub(1), self.permit.take()) {
            state.debt = less;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn throttling_halves_the_places_once_a_round() {
        let limiter = Limiter::default();
        let mut round = Vec::new();
        for _ in 0..MOST {
            round.push(limiter.place("ec2:CreateTags").await);
        }
        for place in &round {
            place.returned(Some(Class::Throttled));
        }
        assert_eq!(limiter.allowed("ec2"), MOST / 2);
        drop(round);
        let mut held = Vec::new();
        for _ in 0..MOST / 2 {
            held.push(limiter.place("ec2:CreateTags").await);
        }
        let one_more = limiter.place("ec2:CreateTags");
        let full = tokio::time::timeout(std::time::Duration::from_millis(20), one_more).await;
        assert!(full.is_err(), "more than half got a place");
        // Other services are not slowed down.
        assert_eq!(limiter.allowed("ecs"), MOST);
    }

    #[tokio::test]
    async fn calls_that_pass_give_the_places_back() {
        let limiter = Limiter::default();
        for _ in 0..8 {
            let place = limiter.place("iam:GetRole").await;
            place.returned(Some(Class::Throttled));
        }
        assert_eq!(limiter.allowed("iam"), 1);
        for _ in 0..100 {
            limiter.place("iam:GetRole").await.returned(None);
        }
        assert_eq!(limiter.allowed("iam"), MOST_IAM);
        let mut held = Vec::new();
        for _ in 0..MOST_IAM {
            held.push(limiter.place("iam:GetRole").await);
        }
    }
}
