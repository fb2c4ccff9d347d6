//! On the host there is nothing to spy on: this only compiles.

pub fn counter() -> usize {
    0
}

pub fn wait(_gate: usize, _queue: usize, _deadline: usize) -> [usize; 0] {
    []
}
