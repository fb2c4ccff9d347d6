//! The entropy device against a fake one.

use virtio::Error;
use virtio::fake::{FakeDevice, FakeDma};
use virtio::rng::Rng;

type FakeRng = Rng<FakeDevice, FakeDma>;

#[test]
fn random_bytes_come_where_they_were_asked_for() {
    let memory = FakeDma::new(FakeRng::MEMORY_LEN + 64, 0x8000_0000);
    let device = FakeDevice::new(4, 1 << 29, &[], &[&memory]);
    let mut rng = Rng::new(device.clone(), memory).unwrap();
    assert_eq!(
        rng.request(0, 32),
        Err(Error::Memory),
        "that is the queue itself"
    );
    assert_eq!(
        rng.request(FakeRng::MEMORY_LEN + 33, 32),
        Err(Error::Memory)
    );
    rng.request(FakeRng::MEMORY_LEN, 32).unwrap();
    assert_eq!(device.notifications(0), 1);
    assert_eq!(rng.poll(), Ok(None));
    assert_eq!(rng.prepare_wait(), Ok(true));
    let (head, segments) = device.take(0).unwrap();
    device.write(segments[0], &[7; 20]);
    device.complete(0, head, 20);
    assert!(rng.interrupts().unwrap().queue);
    assert_eq!(rng.poll(), Ok(Some((FakeRng::MEMORY_LEN, 20))));
}
