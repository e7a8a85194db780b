//! What is known to exist: a snapshot that holds no secret and can be rebuilt from AWS at any time, and where it is kept.

mod local;
mod snapshot;
mod store;

pub use local::LocalStore;
pub use snapshot::{FORMAT, Record, RunInfo, Snapshot, SnapshotError, StateKey};
pub use store::{Busy, Holder, Lease, Pace, Store, StoreError, Version};
