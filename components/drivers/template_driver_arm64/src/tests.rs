//! Runs on your own machine, without the device: `./ftl test template_driver_arm64`.

use super::*;

/// A device whose first register holds this word.
struct Fake(u32);

impl Registers for Fake {
    fn read8(&self, _: usize) -> u8 {
        panic!("this device has no registers of one byte")
    }
    fn read16(&self, _: usize) -> u16 {
        panic!("this device has no registers of two bytes")
    }
    fn read32(&self, offset: usize) -> u32 {
        assert_eq!(offset, SECONDS);
        self.0
    }
    fn write32(&self, offset: usize, _: u32) {
        panic!("nothing is to be written at {offset:#x}")
    }
}

#[test]
fn the_device_counts_seconds() {
    assert_eq!(now(&Fake(5)), Duration::from_secs(5));
}
