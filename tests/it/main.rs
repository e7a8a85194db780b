//! The integration tests, in one binary: linking the AWS SDKs once is slow enough.

mod backend;
mod bad_input;
mod canaries;
mod ci;
mod consistency;
mod contract;
mod crash;
mod deploy;
mod desk;
mod examples;
mod local_aws;
mod logs;
mod made_up;
mod rooms;
mod secrets;
mod stack;
mod standing;
mod status;
mod verbs;
mod verify;
mod wire;
