//! The file system on disks in memory: each operation, random ones against a model and against the host, power loss at
//! any moment, full and damaged disks.

mod common;
mod damage;
mod host;
mod large;
mod model;
mod operations;
mod orphans;
mod pictures;
mod power;
mod snapshots;
mod trim;
