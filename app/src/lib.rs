//! The Circles service.
//!
//! ```text
//!   HTTP, WebSocket ── router ── auth ── a feature's handlers ── PostgreSQL (PostGIS), Objects (S3 | folder)
//!                                              │  event (a row and a NOTIFY in the same transaction)
//!                        live (sockets of this task) ◄── LISTEN ── PostgreSQL ── the other tasks' listeners
//! ```
//!
//! Two tasks behind a load balancer are one service: what they share (sockets' events, presence, rate limits, the jobs' turns) is in
//! the database. `router.rs` is the whole interface on one screen.

pub mod activity;
pub mod admin;
pub mod app;
pub mod auth;
pub mod bounds;
pub mod checkins;
pub mod cli;
pub mod collections;
pub mod config;
pub mod connection;
pub mod db;
pub mod deadline;
pub mod debug;
pub mod dms;
pub mod drain;
pub mod error;
pub mod event;
pub mod external;
pub mod extract;
pub mod files;
pub mod follows;
pub mod geo;
pub mod health;
pub mod hub;
pub mod job_health;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod login;
pub mod media;
pub mod metrics;
pub mod objects;
pub mod observe;
pub mod onboarding;
pub mod openapi;
pub mod page;
pub mod phone;
pub mod place_chat;
pub mod places;
pub mod presence;
pub mod rankings;
pub mod recent;
pub mod reviews;
pub mod router;
pub mod saved;
pub mod secret;
pub mod security_headers;
pub mod seed;
pub mod serve;
pub mod settings;
pub mod sms;
pub mod sniff;
pub mod spool;
pub mod stamp;
pub mod support;
pub mod task;
pub mod token;
pub mod trace;
pub mod upload;
pub mod upload_slots;
pub mod users;
pub mod visible;
pub mod vocabulary;
pub mod write_limits;
