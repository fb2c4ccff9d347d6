//! Every order in which several CPUs can do what they do at the same time, tried by `loom` (and for more CPUs than it
//! can do, random ones by `shuttle`): the kernel's lock itself, and what is touched without it.
//!
//! What is under the lock needs no model: the lock makes it one thing after the other, and `logic/` explores
//! that. Without the lock a CPU touches
//!
//! - the registers of the thread that it runs, in the thread's context: saved on the way in, before the lock is taken
//!   (`arch/*/entry.rs`) or at the first floating-point instruction, and loaded on the way out, after the lock was
//!   released. So a thread that goes on elsewhere must find all that was written;
//! - its sleep: between the release of the lock and `wfi` work may come for it, and the interrupt that tells it
//!   so must not be lost;
//! - the word that says that somebody reports the end of the kernel.
//!
//! The CPU's own block is nobody else's, and the console's place is written once, at boot.
//!
//! A CPU that waits looks at the lock's words [`relax`](Word::relax)ing in between; here that lets other threads go on.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kernel::lock::{Lock, Word};
use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32;

/// A word of the model.
struct Modelled(AtomicU32);

impl Word for Modelled {
    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_or(value, order)
    }
    fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_and(value, order)
    }
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
    fn relax(&self) {
        loom::thread::yield_now();
    }
}

/// A lock around a value.
fn lock<T>(value: T) -> Arc<Lock<T, Modelled>> {
    let word = || Modelled(AtomicU32::new(0));
    let lock = Lock::of_words(word(), word());
    // SAFETY: once, before anybody else has the lock.
    unsafe { lock.set(value) };
    Arc::new(lock)
}

/// Does something with the value, as one CPU, between taking the lock and releasing it.
fn with<T, R>(lock: &Lock<T, Modelled>, cpu: usize, act: impl FnOnce(&mut T) -> R) -> R {
    // SAFETY: the value was set, and is not used after the release.
    unsafe {
        let result = act(lock.acquire(cpu));
        lock.release();
        result
    }
}

/// Tries every order, in which at most so many threads are interrupted.
fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(run);
}

/// So many CPUs take the lock so often each. `loom` fails if two are inside at once, if one does not see what
/// the other has written, and if one is left out for ever.
fn check_lock(cpus: usize, turns: usize, preemptions: usize) {
    model(preemptions, move || {
        let lock = lock(UnsafeCell::new(0));
        let threads: Vec<_> = (1..cpus)
            .map(|cpu| {
                let lock = lock.clone();
                loom::thread::spawn(move || take_turns(&lock, cpu, turns))
            })
            .collect();
        take_turns(&lock, 0, turns);
        for thread in threads {
            thread.join().unwrap();
        }
        // SAFETY: as in `take_turns`.
        let all = with(&lock, 0, |count| count.with(|count| unsafe { *count }));
        assert_eq!(all, cpus * turns);
    });
}

fn take_turns(lock: &Lock<UnsafeCell<usize>, Modelled>, cpu: usize, turns: usize) {
    for _ in 0..turns {
        with(lock, cpu, |count| {
            // SAFETY: the lock is held; `loom` checks that nobody else is here.
            count.with_mut(|count| unsafe { *count += 1 });
        });
    }
}

#[test]
fn two_cpus_are_never_inside_at_once() {
    check_lock(2, 3, 3);
}

/// A word for the random orders below.
struct Shuffled(shuttle::sync::atomic::AtomicU32);

impl Word for Shuffled {
    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_or(value, order)
    }
    fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_and(value, order)
    }
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
    fn relax(&self) {
        shuttle::thread::yield_now();
    }
}

/// With more CPUs, two that wait can look in turn for ever while the third does not run, so orders cannot all be
/// tried. Random ones are; none of them leaves a CPU out.
#[test]
fn nor_are_four() {
    let times = trials::cases(500).cases as usize;
    shuttle::check_random(
        || {
            let word = || Shuffled(shuttle::sync::atomic::AtomicU32::new(0));
            let lock = Lock::of_words(word(), word());
            // SAFETY: once, before anybody else has the lock.
            unsafe { lock.set((false, 0)) };
            let lock = Arc::new(lock);
            let threads: Vec<_> = (0..4)
                .map(|cpu| {
                    let lock = lock.clone();
                    shuttle::thread::spawn(move || {
                        for _ in 0..3 {
                            // SAFETY: the value was set, and is not used after the release.
                            unsafe {
                                let (inside, count) = lock.acquire(cpu);
                                assert!(!*inside, "two are inside");
                                *inside = true;
                                shuttle::thread::yield_now();
                                *inside = false;
                                *count += 1;
                                lock.release();
                            }
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            // SAFETY: as above.
            let (_, count) = unsafe { lock.acquire(0) };
            assert_eq!(*count, 4 * 3);
        },
        times,
    );
}

/// The part of the kernel's state that these models need.
#[derive(Default)]
struct State {
    /// Whether the thread waits to be run.
    ready: bool,
    /// Whether CPU 1 sleeps or is about to.
    idle: bool,
}

/// A thread's registers are written outside the lock by the CPU that it leaves, and read outside the lock by the
/// one that it goes on on.
#[test]
fn a_thread_finds_its_registers_on_another_cpu() {
    model(3, || {
        let kernel = lock(State::default());
        let context = loom::sync::Arc::new(UnsafeCell::new([0; 2]));
        let other = {
            let (kernel, context) = (kernel.clone(), context.clone());
            loom::thread::spawn(move || {
                while !with(&kernel, 1, |kernel| std::mem::take(&mut kernel.ready)) {
                    loom::thread::yield_now();
                }
                // SAFETY: the thread is this CPU's now; `loom` checks it.
                context.with(|context| assert_eq!(unsafe { *context }, [1, 2]));
            })
        };
        // The first use of floating point, and the way in.
        // SAFETY: the thread is on this CPU.
        context.with_mut(|context| unsafe { (*context)[0] = 1 });
        // SAFETY: the lock is taken and released here; the value is set.
        unsafe {
            kernel.acquire(0).ready = true;
            // What another thread's going on makes necessary is stored while the lock is held still.
            context.with_mut(|context| (*context)[1] = 2);
            kernel.release();
        }
        other.join().unwrap();
    });
}

/// An interrupt of a CPU: pending until it is taken, whether the CPU sleeps already or not.
#[derive(Default)]
struct Interrupt {
    pending: loom::sync::Mutex<bool>,
    wakes: loom::sync::Condvar,
}

/// A CPU that finds nothing to do says so under the lock, releases it, and sleeps; another one that has work
/// for it interrupts it. `loom` reports a CPU that sleeps for ever.
#[test]
fn no_work_is_left_to_a_cpu_that_sleeps() {
    model(3, || {
        let kernel = lock(State::default());
        let interrupt = Arc::new(Interrupt::default());
        let sleeper = {
            let (kernel, interrupt) = (kernel.clone(), interrupt.clone());
            loom::thread::spawn(move || {
                loop {
                    let found = with(&kernel, 1, |kernel| {
                        kernel.idle = !kernel.ready;
                        std::mem::take(&mut kernel.ready)
                    });
                    if found {
                        return;
                    }
                    let mut pending = interrupt.pending.lock().unwrap();
                    while !*pending {
                        pending = interrupt.wakes.wait(pending).unwrap();
                    }
                    *pending = false;
                }
            })
        };
        with(&kernel, 0, |kernel| {
            kernel.ready = true;
            if std::mem::take(&mut kernel.idle) {
                *interrupt.pending.lock().unwrap() = true;
                interrupt.wakes.notify_one();
            }
        });
        sleeper.join().unwrap();
    });
}

/// Of several CPUs that fail at once, one reports.
#[test]
fn one_cpu_reports_the_end() {
    model(3, || {
        let panicking = Arc::new(AtomicU32::new(0));
        let report = |panicking: &AtomicU32| panicking.swap(1, Ordering::Relaxed) == 0;
        let other = {
            let panicking = panicking.clone();
            loom::thread::spawn(move || report(&panicking))
        };
        let here = report(&panicking);
        assert!(here != other.join().unwrap());
    });
}
