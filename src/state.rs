//! What is known to exist: a snapshot that holds no secret and can be rebuilt from AWS at any time, and where it is kept.
//!
//! ```text
//!   Store ◀── LocalStore   a folder; the operating system's file lock
//!     ▲
//!     └────── BucketStore  objects, written only over what was read
//!               ├── Leases   a register that its holder renews
//!               └── Objects, Register: the narrow door to AWS. `aws/state_bucket.rs` and `aws/lock_table.rs` implement them,
//!                   and nothing else in this room knows that there is an AWS
//! ```

mod bucket;
mod format;
mod lease;
mod local;
mod objects;
mod snapshot;
mod store;

pub use bucket::{BucketStore, folder};
pub use format::FORMAT;
pub use lease::LEASE;
pub use local::LocalStore;
pub use objects::{Objects, PutError, Register, Tag, Writing};
pub use snapshot::{Record, RunInfo, Snapshot, SnapshotError, StateKey};
pub use store::{Busy, Holder, Lease, Pace, Store, StoreError, Version};
