//! Explores every interleaving of a small exchange.

use std::sync::atomic::Ordering;

use loom::sync::atomic::{AtomicU32, fence};
use loom::sync::{Arc, Condvar, Mutex};
use ring::{
    Consumer, Descriptor, Layout, Producer, PushError, SharedMemory, StreamConsumer, StreamLayout,
    StreamProducer,
};

/// The words that a ring of two descriptors uses; the rest is padding, and loom likes few atomics.
struct LoomMemory {
    header: [AtomicU32; 4],
    descriptors: Vec<AtomicU32>,
}

impl LoomMemory {
    fn word(&self, offset: usize) -> &AtomicU32 {
        match offset {
            0 => &self.header[0],
            4 => &self.header[1],
            64 => &self.header[2],
            68 => &self.header[3],
            _ => &self.descriptors[(offset - 128) / 4],
        }
    }
}

impl SharedMemory for LoomMemory {
    fn len(&self) -> usize {
        Layout::bytes(2)
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        self.word(offset).load(order)
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        self.word(offset).store(value, order)
    }
    fn read(&self, _: usize, _: &mut [u8]) {
        unreachable!()
    }
    fn write(&self, _: usize, _: &[u8]) {
        unreachable!()
    }
    fn fence(&self) {
        fence(Ordering::SeqCst)
    }
}

/// A bell that keeps its count, as a doorbell object does. Loom reports a thread that waits for ever.
#[derive(Default)]
struct Bell {
    count: Mutex<u32>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.count.lock().unwrap() += 1;
        self.rung.notify_one();
    }
    fn wait(&self) {
        let mut count = self.count.lock().unwrap();
        while *count == 0 {
            count = self.rung.wait(count).unwrap();
        }
        *count = 0;
    }
}

fn exchange(capacity: u32, count: u32) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let memory = Arc::new(LoomMemory {
            header: std::array::from_fn(|_| AtomicU32::new(0)),
            descriptors: (0..8).map(|_| AtomicU32::new(0)).collect(),
        });
        let layout = Layout::new(0, capacity, 100).unwrap();
        let (data, space) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let thread = {
            let (memory, data, space) = (memory.clone(), data.clone(), space.clone());
            loom::thread::spawn(move || {
                let mut producer = Producer::new(&*memory, layout);
                let mut next = 0;
                while next < count {
                    match producer.push(Descriptor {
                        offset: next,
                        len: 1,
                        cookie: next as u64,
                    }) {
                        Ok(()) => {
                            next += 1;
                            if producer.publish() {
                                data.ring();
                            }
                        }
                        Err(PushError::Full) => {
                            if producer.prepare_wait(1).unwrap() {
                                space.wait();
                            }
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        };
        let mut consumer = Consumer::new(&*memory, layout);
        let mut next = 0;
        while next < count {
            while let Some(got) = consumer.pop().unwrap() {
                assert_eq!(
                    got,
                    Descriptor {
                        offset: next,
                        len: 1,
                        cookie: next as u64
                    }
                );
                next += 1;
                if consumer.release() {
                    space.ring();
                }
            }
            if next < count && consumer.prepare_wait().unwrap() {
                data.wait();
            }
        }
        thread.join().unwrap();
    });
}

/// Bytes that go through a stream at once. Half of the smallest stream, so that it is full after two.
const PIECE: usize = 32;

/// The words of a stream, and its bytes, a whole piece in one atomic: what is in it says which piece it is. Bytes are
/// written and read without any order of their own, as those of shared memory are.
struct LoomStream {
    header: [AtomicU32; 4],
    pieces: [AtomicU32; 2],
}

impl SharedMemory for LoomStream {
    fn len(&self) -> usize {
        StreamLayout::bytes(64)
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        self.word(offset).load(order)
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        self.word(offset).store(value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        assert_eq!((offset % PIECE, to.len()), (0, PIECE));
        to.fill(self.pieces[(offset - 128) / PIECE].load(Ordering::Relaxed) as u8);
    }
    fn write(&self, offset: usize, from: &[u8]) {
        assert_eq!((offset % PIECE, from.len()), (0, PIECE));
        self.pieces[(offset - 128) / PIECE].store(from[0].into(), Ordering::Relaxed);
    }
    fn fence(&self) {
        fence(Ordering::SeqCst)
    }
}

impl LoomStream {
    fn word(&self, offset: usize) -> &AtomicU32 {
        match offset {
            0 => &self.header[0],
            4 => &self.header[1],
            64 => &self.header[2],
            68 => &self.header[3],
            _ => panic!("there is no word at {offset}"),
        }
    }
}

/// So many pieces go through a stream that holds two.
fn stream(count: u8) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let memory = Arc::new(LoomStream {
            header: std::array::from_fn(|_| AtomicU32::new(0)),
            pieces: std::array::from_fn(|_| AtomicU32::new(0)),
        });
        let layout = StreamLayout::new(0, 64).unwrap();
        let (data, space) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let thread = {
            let (memory, data, space) = (memory.clone(), data.clone(), space.clone());
            loom::thread::spawn(move || {
                let mut producer = StreamProducer::new(&*memory, layout);
                let mut next = 1;
                while next <= count {
                    match producer.write(&[next; PIECE]).unwrap() {
                        0 => {
                            if producer.prepare_wait(PIECE).unwrap() {
                                space.wait();
                            }
                        }
                        len => {
                            assert_eq!(len, PIECE);
                            next += 1;
                            if producer.publish() {
                                data.ring();
                            }
                        }
                    }
                }
            })
        };
        let mut consumer = StreamConsumer::new(&*memory, layout);
        let mut next = 1;
        while next <= count {
            let mut piece = [0; PIECE];
            while consumer.read(&mut piece).unwrap() > 0 {
                assert_eq!(piece, [next; PIECE]);
                next += 1;
                if consumer.release() {
                    space.ring();
                }
            }
            if next <= count && consumer.prepare_wait().unwrap() {
                data.wait();
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn no_byte_of_a_stream_and_no_wake_up_is_lost() {
    stream(2);
}

#[test]
fn a_full_stream_goes_on() {
    stream(3);
}

#[test]
fn no_wake_up_for_data_is_lost() {
    exchange(2, 2);
}

#[test]
fn no_wake_up_for_space_is_lost() {
    exchange(1, 3);
}
