//! A ring between two honest sides, and against a hostile one.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use proptest::prelude::*;
use ring::fake::FakeMemory;
use ring::{Consumer, Descriptor, Layout, Producer, PushError, Reason, SharedMemory};

const CAPACITY: u32 = 8;

fn layout() -> Layout {
    Layout::new(64, CAPACITY, 1 << 16).unwrap()
}

fn memory() -> FakeMemory {
    FakeMemory::new(layout().end())
}

fn descriptor(n: u32) -> Descriptor {
    Descriptor {
        offset: n % 1000,
        len: n % 7,
        cookie: n as u64 | 0xfeed << 32,
    }
}

#[test]
fn layouts_are_checked() {
    assert!(Layout::new(64, 8, 0).is_some());
    assert!(Layout::new(8, 8, 0).is_none());
    assert!(Layout::new(0, 0, 0).is_none());
    assert!(Layout::new(0, 12, 0).is_none());
    assert!(Layout::new(0, 1 << 16, 0).is_none());
    assert!(Layout::new(usize::MAX - 63, 8, 0).is_none());
}

#[test]
fn what_goes_in_comes_out_in_order_and_a_full_ring_says_so() {
    let memory = memory();
    let mut producer = Producer::new(&memory, layout());
    let mut consumer = Consumer::new(&memory, layout());
    for round in 0..1000 {
        for i in 0..CAPACITY {
            producer.push(descriptor(round * CAPACITY + i)).unwrap();
        }
        assert_eq!(producer.push(descriptor(0)), Err(PushError::Full));
        assert_eq!(consumer.pop(), Ok(None), "not published yet");
        let _ = producer.publish();
        for i in 0..CAPACITY {
            assert_eq!(consumer.pop(), Ok(Some(descriptor(round * CAPACITY + i))));
        }
        assert_eq!(consumer.pop(), Ok(None));
        assert_eq!(producer.space(), Ok(0), "not given back yet");
        let _ = consumer.release();
        assert_eq!(producer.space(), Ok(CAPACITY));
        assert_eq!(producer.consumed(), Ok((round + 1) * CAPACITY));
    }
}

#[test]
fn a_batch_wakes_once_and_only_a_sleeper() {
    let memory = memory();
    let mut producer = Producer::new(&memory, layout());
    let mut consumer = Consumer::new(&memory, layout());
    // The words start at zero, which asks for a wake-up at the first descriptor.
    producer.push(descriptor(0)).unwrap();
    assert!(producer.publish());
    assert!(!producer.publish(), "nothing new");
    producer.push(descriptor(1)).unwrap();
    assert!(!producer.publish(), "woken already");
    assert_eq!(
        consumer.prepare_wait(),
        Ok(false),
        "there is something to do"
    );
    while consumer.pop().unwrap().is_some() {}
    assert_eq!(consumer.prepare_wait(), Ok(true));
    for i in 0..3 {
        producer.push(descriptor(i)).unwrap();
    }
    assert!(producer.publish());
    for i in 0..3 {
        producer.push(descriptor(i)).unwrap();
        assert!(!producer.publish());
    }
}

#[test]
fn a_producer_without_space_is_woken_when_there_is_as_much_as_it_wants() {
    let memory = memory();
    let mut producer = Producer::new(&memory, layout());
    let mut consumer = Consumer::new(&memory, layout());
    while producer.push(descriptor(0)).is_ok() {}
    let _ = producer.publish();
    assert_eq!(producer.prepare_wait(4), Ok(true));
    for _ in 0..3 {
        consumer.pop().unwrap().unwrap();
        assert!(!consumer.release());
    }
    consumer.pop().unwrap().unwrap();
    assert!(consumer.release());
    assert_eq!(producer.prepare_wait(4), Ok(false));
    assert_eq!(producer.space(), Ok(4));
}

#[test]
fn two_threads_pass_many_descriptors_without_a_lost_wake_up() {
    const COUNT: u32 = 300_000;
    let memory = memory();
    let (data_bell, space_bell) = (AtomicU32::new(0), AtomicU32::new(0));
    let wakes = AtomicU32::new(0);
    let ring_bell = |bell: &AtomicU32| {
        wakes.fetch_add(1, Ordering::Relaxed);
        bell.fetch_add(1, Ordering::SeqCst);
    };
    // A lost wake-up shows as a bell that never rings; then the test hangs, so it gives up loudly.
    let wait = |bell: &AtomicU32| {
        let started = std::time::Instant::now();
        while bell.swap(0, Ordering::SeqCst) == 0 {
            std::thread::yield_now();
            assert!(started.elapsed().as_secs() < 30, "a wake-up was lost");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = Producer::new(&memory, layout());
            let mut next = 0;
            while next < COUNT {
                match producer.push(descriptor(next)) {
                    Ok(()) => next += 1,
                    Err(PushError::Full) => {
                        if producer.publish() {
                            ring_bell(&data_bell);
                        }
                        if producer.prepare_wait(CAPACITY / 2).unwrap() {
                            wait(&space_bell);
                        }
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            if producer.publish() {
                ring_bell(&data_bell);
            }
        });
        let mut consumer = Consumer::new(&memory, layout());
        let mut next = 0;
        while next < COUNT {
            while let Some(got) = consumer.pop().unwrap() {
                assert_eq!(got, descriptor(next));
                next += 1;
            }
            if consumer.release() {
                ring_bell(&space_bell);
            }
            if next < COUNT && consumer.prepare_wait().unwrap() {
                wait(&data_bell);
            }
        }
    });
    assert!(
        wakes.load(Ordering::Relaxed) < COUNT,
        "wake-ups are batched"
    );
}

/// What a hostile side does: writes any word at any place of the shared memory.
#[derive(Clone, Debug)]
enum Step {
    Scribble { offset: usize, value: u32 },
    Use(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![0u32..20, any::<u32>(), (u32::MAX - 20)..=u32::MAX];
    let offset = prop_oneof![
        Just(64),
        Just(68),
        Just(128),
        Just(132),
        (0..layout().end() / 4).prop_map(|word| word * 4)
    ];
    let step = prop_oneof![
        (offset, value).prop_map(|(offset, value)| Step::Scribble { offset, value }),
        any::<u8>().prop_map(Step::Use),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(trials::cases(256))]

    #[test]
    fn a_hostile_producer_yields_descriptors_in_range_or_an_error(steps in steps()) {
        let memory = memory();
        let mut consumer = Consumer::new(&memory, layout());
        let mut taken = 0u32;
        for step in steps {
            match step {
                Step::Scribble { offset, value } => memory.store_u32(offset, value, Ordering::Relaxed),
                Step::Use(0..=127) => match consumer.pop() {
                    Ok(Some(got)) => {
                        taken += 1;
                        prop_assert!(got.offset as u64 + got.len as u64 <= 1 << 16);
                        prop_assert!(taken <= CAPACITY, "more than the ring holds, without a release");
                    }
                    Ok(None) => {}
                    Err(error) => prop_assert_ne!(error.reason, Reason::HeadOutOfRange),
                },
                Step::Use(128..=191) => { let _ = consumer.release(); taken = 0; }
                Step::Use(_) => { let _ = consumer.prepare_wait(); }
            }
        }
    }

    #[test]
    fn a_hostile_consumer_frees_no_more_than_was_published(steps in steps()) {
        let memory = memory();
        let mut producer = Producer::new(&memory, layout());
        let mut published = 0u32;
        for step in steps {
            match step {
                Step::Scribble { offset, value } => memory.store_u32(offset, value, Ordering::Relaxed),
                Step::Use(0..=159) => match producer.push(descriptor(3)) {
                    Ok(()) | Err(PushError::Full) => {}
                    Err(PushError::Malformed(error)) => prop_assert_eq!(error.reason, Reason::HeadOutOfRange),
                },
                Step::Use(160..=223) => { let _ = producer.publish(); published = producer.pushed(); }
                Step::Use(wanted) => { let _ = producer.prepare_wait(wanted as u32); }
            }
            if let Ok(consumed) = producer.consumed() {
                prop_assert!(consumed <= published);
                prop_assert!(producer.pushed() - consumed <= CAPACITY);
            }
        }
    }
}

#[test]
fn a_side_survives_another_thread_that_scribbles_all_the_while() {
    let memory = memory();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = 0x9e3779b97f4a7c15u64;
            while !stop.load(Ordering::Relaxed) {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let word = (state >> 33) as usize % (layout().end() / 4);
                memory.store_u32(word * 4, (state >> 20) as u32 % 24, Ordering::Relaxed);
            }
        });
        for _ in 0..20_000 {
            let mut consumer = Consumer::new(&memory, layout());
            let mut producer = Producer::new(&memory, layout());
            for _ in 0..10 {
                if let Ok(Some(got)) = consumer.pop() {
                    assert!(got.offset as u64 + got.len as u64 <= 1 << 16);
                }
                let _ = (
                    consumer.release(),
                    producer.push(descriptor(1)),
                    producer.publish(),
                );
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
