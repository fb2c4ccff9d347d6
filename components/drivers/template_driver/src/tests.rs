//! Runs on your own machine, without the device: `./ftl test template_driver`.

use super::*;

/// A device whose registers hold these words.
struct Fake([u32; 2]);

impl Registers for Fake {
    fn read8(&self, _: usize) -> u8 {
        panic!("this device has no registers of one byte")
    }
    fn read16(&self, _: usize) -> u16 {
        panic!("this device has no registers of two bytes")
    }
    fn read32(&self, offset: usize) -> u32 {
        self.0[offset / 4]
    }
    fn write32(&self, offset: usize, _: u32) {
        panic!("nothing is to be written at {offset:#x}")
    }
}

#[test]
fn the_halves_of_the_time_are_put_together() {
    assert_eq!(now(&Fake([5, 2])), Duration::from_nanos((2 << 32) + 5));
}
