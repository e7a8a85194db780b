mod circles;
mod generated;
mod refused;
mod sources;
mod support;
mod syntax;
mod wrong;
