//! What can be wrong outside the stack file: each ends in a clear sentence, its exit code, and a state from which the next run goes on.

mod account;
mod credentials;
mod disk;
mod endpoint;
mod limits;
mod output;
mod state_file;
mod taken;
mod terminal;
mod unfinished_server;

/// A log group, a VPC, and what stands in it.
const STACK: &str = "
stack: bad
resources:
  logs: { type: logs.log_group, name: \"/${prefix}/app\" }
  net: { type: ec2.vpc, cidr: 10.90.0.0/16 }
  group: { type: ec2.security_group, vpc_id: \"${net.id}\", name: \"${prefix}-sg\", description: one }
";
