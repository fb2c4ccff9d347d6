//! Streams of bytes between two honest sides, and against a hostile one.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use ring::fake::FakeMemory;
use ring::{SharedMemory, StreamConsumer, StreamLayout, StreamProducer};

fn layout() -> StreamLayout {
    StreamLayout::new(64, 64).unwrap()
}

proptest! {
    #![proptest_config(trials::cases(256))]

    /// Against a queue as a model: everything comes out in order, and nobody sleeps without being woken.
    #[test]
    fn bytes_come_out_as_they_went_in(steps in proptest::collection::vec((0usize..100, any::<bool>()), 1..300)) {
        let memory = FakeMemory::new(layout().end());
        let mut producer = StreamProducer::new(&memory, layout());
        let mut consumer = StreamConsumer::new(&memory, layout());
        let mut model = std::collections::VecDeque::new();
        let (mut next, mut consumer_sleeps, mut producer_sleeps) = (0u8, false, false);
        for (len, write) in steps {
            if write {
                let data: Vec<u8> = (0..len).map(|i| next.wrapping_add(i as u8)).collect();
                let written = producer.write(&data).unwrap();
                prop_assert_eq!(written, len.min(64 - model.len()));
                model.extend(&data[..written]);
                next = next.wrapping_add(written as u8);
                let wake = producer.publish();
                if consumer_sleeps && written > 0 {
                    prop_assert!(wake, "the consumer sleeps on");
                    consumer_sleeps = false;
                }
                if written < len && producer.prepare_wait(1).unwrap() {
                    producer_sleeps = true;
                }
            } else {
                let mut data = vec![0; len];
                let read = consumer.read(&mut data).unwrap();
                prop_assert_eq!(read, len.min(model.len()));
                prop_assert_eq!(&data[..read], &model.drain(..read).collect::<Vec<_>>()[..]);
                let wake = consumer.release();
                if producer_sleeps && read > 0 {
                    prop_assert!(wake, "the producer sleeps on");
                    producer_sleeps = false;
                }
                if consumer.prepare_wait().unwrap() {
                    prop_assert!(model.is_empty());
                    consumer_sleeps = true;
                }
            }
            prop_assert_eq!(producer.is_drained(), Ok(model.is_empty()));
        }
    }

    #[test]
    fn a_hostile_side_is_found_out_or_does_no_harm(words in proptest::collection::vec((0usize..4, prop_oneof![0u32..200, any::<u32>()], 0usize..100), 1..100)) {
        let memory = FakeMemory::new(layout().end());
        let mut producer = StreamProducer::new(&memory, layout());
        let mut consumer = StreamConsumer::new(&memory, layout());
        let mut buffer = [0; 100];
        for (word, value, len) in words {
            memory.store_u32(64 + [0, 4, 64, 68][word], value, Ordering::Relaxed);
            if let Ok(read) = consumer.read(&mut buffer[..len]) {
                prop_assert!(read <= 64);
            }
            if let Ok(written) = producer.write(&buffer[..len]) {
                prop_assert!(written <= 64);
            }
            let _ = (producer.publish(), consumer.release(), producer.prepare_wait(len), consumer.prepare_wait());
        }
    }
}
