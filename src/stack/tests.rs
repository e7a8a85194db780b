mod circles;
mod generated;
mod sources;
mod support;
mod wrong;
