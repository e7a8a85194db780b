//! Nothing is ever lost: the real stack file and the real program, killed, cut off and refused by a wire proxy at every mutating call.
//! A sample of the calls runs always; `CIRCLES_TEST_ALL=1` takes every one. Each walk ends with how many points it took.

mod course;
mod failing;
mod import;
mod killed;
mod ladder;
mod lost;
mod rows;
mod side_by_side;
mod walk;
mod world;
