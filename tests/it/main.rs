//! The integration tests, in one binary: linking the AWS SDKs once is slow enough.

mod backend;
mod canaries;
mod ci;
mod contract;
mod crash;
mod deploy;
mod examples;
mod local_aws;
mod logs;
mod made_up;
mod secrets;
mod stack;
mod standing;
mod status;
mod verify;
mod wire;
