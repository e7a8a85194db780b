//! The service as its clients see it: over HTTP and WebSockets, on a real PostgreSQL with PostGIS, a database per test.

mod harness;

mod auth;
mod checkins;
mod collections;
mod connection;
mod contract;
mod dms;
mod edges;
mod faults;
mod image;
mod inputs;
mod jobs;
mod live;
mod messages;
mod migrations;
mod older;
mod onboarding;
mod openapi;
mod outside;
mod people;
mod places;
mod privacy;
mod processes;
mod roles;
mod room;
mod rooms;
mod schema;
mod slow;
mod statements;
mod storage;
mod storage_moto;
mod tls;
mod traffic;
mod trending;
