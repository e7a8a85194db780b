//! The integration tests, in one binary: linking the AWS SDKs once is slow enough.

mod contract;
mod examples;
mod local_aws;
mod secrets;
mod stack;
mod standing;
