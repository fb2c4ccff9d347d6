//! Memory: frames, the slabs that kernel objects live in, and free ranges of addresses.

mod account;
mod code_pool;
mod frame;
mod region;
mod slab;

pub use account::Memory;
pub use code_pool::CodePool;
pub use frame::{FRAME_LEN, Frames, ORDER_2MIB, ORDER_MAX, PhysAddr};
pub use region::{GRANULE_LEN, Regions};
pub use slab::{Id, Slab};
