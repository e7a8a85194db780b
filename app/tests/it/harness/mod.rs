//! What every test starts from.

pub mod client;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod server;
pub mod socket;

pub use client::{Client, png};
pub use process::Process;
pub use server::{Service, World};
pub use socket::Socket;
