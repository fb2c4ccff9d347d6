//! Faults: the network driver is replaced again and again by copies of it in which machine instructions were
//! changed (tools/ftl/src/faults.rs), under `user`. Whatever they do, the kernel and all other components go
//! on, and the sound driver finds a device that works.
//!
//! Without an IOMMU, a driver can make its device write anywhere (docs/rules.md, rule 16), so a fault can still bring
//! the system down by way of the device. Such stops are told apart and counted: a stop is the device's if it was to write
//! somewhere that the kernel had not let it reach, as QEMU's trace, the machine's memory and the kernel's log
//! show ([`e2e::dma`]). Any other one fails the test, and so does an orderly end because something else than the
//! driver was harmed.

use std::path::PathBuf;
use std::time::Duration;

/// Faults in each copy.
const EACH: u32 = 10;
/// Copies in one boot: here, and with `--long`.
const COPIES: u32 = 5;
const COPIES_LONG: u32 = 100;

/// One boot, whose faults this seed chooses.
fn check(seed: u32) {
    if !e2e::is_first_variant() {
        return;
    }
    let (copies, patience) = match e2e::long() {
        true => (COPIES_LONG, Duration::from_secs(3600)),
        false => (COPIES, Duration::from_secs(300)),
    };
    let port = e2e::free_port();
    let witness = Witness::new(port);
    let exit = boot(&witness, port, port, seed, copies)
        .argument("--timeout")
        .argument(patience.as_secs().to_string())
        .start()
        .wait_exit_within(patience);
    let mut by_device = 0;
    if exit.code != 0 {
        // If the system could still end in order, then somebody else was harmed, or no page came: nothing excuses that.
        let end = exit.json["end"].as_str().unwrap_or_default();
        assert!(
            matches!(end, "panic" | "timeout" | "lost"),
            "seed {seed}: the system has ended as `{end}`\n{}",
            exit.tail()
        );
        let found = witness.examine(&exit.log);
        let evidence = found.stray.join("\n");
        assert!(
            !found.stray.is_empty(),
            "seed {seed}: the system has stopped, and not by its device: {found:?}\n{}",
            exit.tail()
        );
        println!("seed {seed}: the device was to write what it had not been given:\n{evidence}");
        by_device = 1;
    }
    let title = format!("faults, seed {seed:02}");
    exit.record(&title);
    for (name, value) in [
        // Those of copies that came to run before a stop are in the line before.
        ("faults made", copies * EACH),
        ("stops by what a device wrote", by_device),
        // Any would have failed the test.
        ("other stops", 0),
    ] {
        e2e::record(&format!("{title}, {name}"), value);
    }
}

/// What is left of a machine for [`e2e::dma`]: QEMU's trace, and the machine's memory.
struct Witness {
    trace: PathBuf,
    memory: PathBuf,
}

impl Witness {
    fn new(port: u16) -> Witness {
        let folder = std::env::temp_dir();
        Witness {
            trace: folder.join(format!("ftl-trace-{port}")),
            memory: folder.join(format!("ftl-memory-{port}")),
        }
    }

    fn examine(&self, log: &[String]) -> e2e::dma::Evidence {
        let trace = std::fs::read_to_string(&self.trace).expect("QEMU has left a trace");
        let memory = std::fs::read(&self.memory).expect("memory is a file");
        let start = e2e::dma::memory_start(&e2e::arch());
        e2e::dma::examine(&trace, log, &memory, start)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        for path in [&self.trace, &self.memory] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// `asked` is the port at which `warden` asks for the page.
fn boot(witness: &Witness, port: u16, asked: u16, seed: u32, copies: u32) -> e2e::Boot {
    let memory = format!(
        "memory-backend-file,id=memory,size=256M,share=on,mem-path={}",
        witness.memory.display()
    );
    let trace = witness.trace.to_str().expect("it is text");
    e2e::boot("faults")
        .as_its_file_says()
        .smp(2)
        .port_at(port, 80)
        .set("warden.port", asked)
        .set("warden.count", copies)
        .argument("--faults")
        .argument(format!("virtio_net:{seed}:{copies}:{EACH}"))
        .argument("--mem")
        .argument("256M")
        .argument("--append")
        .argument("ftl.log=debug")
        .qemu(["-trace", "virtio_mmio_write_offset", "-D", trace])
        .qemu(["-object", &memory, "-machine", "memory-backend=memory"])
}

/// The witness is to be believed: a sound driver lets its device write nowhere else, and if the kernel had given it one
/// place less, that would be seen.
#[test]
fn what_a_device_may_write_is_seen_from_outside() {
    if !e2e::is_first_variant() {
        return;
    }
    let port = e2e::free_port();
    let witness = Witness::new(port);
    // `warden` gets no page there, so it never comes to the first faulty copy.
    let ftl = boot(&witness, port, 1, 1, COPIES).start();
    ftl.wait_for("http_server: listens on port 80");
    // Its memory stays as it is.
    let mut log = ftl.log();
    drop(ftl);
    let found = witness.examine(&log);
    assert!(found.queues >= 2 && found.writable >= 16, "{found:?}");
    assert_eq!(found.stray, Vec::<String>::new());
    let given = log.iter().rposition(|line| line.contains(" may reach "));
    log.remove(given.expect("the kernel says what it gives"));
    assert!(!witness.examine(&log).stray.is_empty());
}

/// The boots of the long form, each a test of its own, so that what some of them reached counts although others
/// were not run.
macro_rules! long_form {
    ($($name:ident: $seed:literal),*) => {
        $(
            #[test]
            fn $name() {
                if e2e::long() {
                    check($seed);
                }
            }
        )*
    };
}

#[test]
fn a_faulty_driver_harms_nobody_else_01() {
    check(1);
}

long_form! {
    a_faulty_driver_harms_nobody_else_02: 2,
    a_faulty_driver_harms_nobody_else_03: 3,
    a_faulty_driver_harms_nobody_else_04: 4,
    a_faulty_driver_harms_nobody_else_05: 5,
    a_faulty_driver_harms_nobody_else_06: 6,
    a_faulty_driver_harms_nobody_else_07: 7,
    a_faulty_driver_harms_nobody_else_08: 8,
    a_faulty_driver_harms_nobody_else_09: 9,
    a_faulty_driver_harms_nobody_else_10: 10
}
