//! What every kind must keep, against the local AWS. A kind takes part by its sample (`samples/`): what it needs, a minimal wish, and for
//! every field another value. The suite then makes it, finds it by every way there is, changes each field, breaks off after every
//! mutating call and goes on, and deletes it, with no more than the permissions the kind says it needs.

mod already_there;
mod defaults;
mod gate;
mod imported;
mod interrupted;
mod lifecycle;
mod many;
mod samples;
mod serving;
mod stage;
mod tables;
mod waits;
