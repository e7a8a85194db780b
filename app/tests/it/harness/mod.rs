//! What every test starts from.

pub mod client;
pub mod postgres;
pub mod proxy;
pub mod server;
pub mod socket;

pub use client::{Client, png};
pub use server::{Service, World};
pub use socket::Socket;
