//! What the commands promise, from outside: the real program against a local AWS, changed behind its back where that is the point.

mod clusters;
mod drift;
mod early;
mod elsewhere;
mod environments;
mod existing;
mod facts;
mod guards;
mod habits;
mod images;
mod locking;
mod moving;
mod networks;
mod no_secret_leaks;
mod offline;
mod outputs;
mod pasted;
mod permissions;
mod plan_files;
mod replacing;
mod selecting;
mod state;
mod strays;
mod watching;
