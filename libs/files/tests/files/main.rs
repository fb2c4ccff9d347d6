//! The file system on disks in memory: each operation, random ones against a model, power loss at
//! any moment, full and damaged disks.

mod common;
mod damage;
mod model;
mod operations;
mod power;
mod snapshots;
