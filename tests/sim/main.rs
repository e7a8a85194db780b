//! The simulation: the real planner, engine, journal and stores over a made-up cloud, in virtual time, from a seed. See
//! `docs/simulation.md`.
//!
//! ```text
//!   graph (wishes, edits) ─▶ case ─▶ drive: look, plan, conduct ─▶ judge
//!                                     │                └── cloud: made-up kinds (nature, kinds), faults
//!                                     └── shelf: LocalStore, or BucketStore over made-up objects
//! ```

mod case;
mod cloud;
mod deed;
mod drive;
mod faults;
mod find;
mod fixtures;
mod graph;
mod judge;
mod kinds;
mod lag;
mod lag_alone;
mod large;
mod nature;
mod objects;
mod planted;
mod prefixes;
mod process;
mod rules;
mod shelf;
mod small;
mod universe;
mod waits;
