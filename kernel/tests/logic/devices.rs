//! Devices on the PCI bus: what their drivers get, shared wires, messages, and what is left when a driver dies.

use abi::{Call, DeviceRange, Error, EventKind};
use kernel::arch::MESSAGES_START;
use kernel::memory::PhysAddr;
use kernel::platform::machine_info::{Interrupt, PhysicalRange};
use kernel::platform::pci::{Function, Messages, command, register};

use crate::common::{Outcome, Sim, params};

const WIRE: u32 = 33;
const CAPABILITY: usize = 0x40;

fn configuration(slot: u16) -> u64 {
    0x3000_0000 + u64::from(slot) * 0x8000
}

/// A function as the scan finds it: a range with the table of messages, and one with the rest.
fn add(sim: &mut Sim, slot: u16, virtio: bool) -> Function {
    let range = |start, len| PhysicalRange { start, len };
    let base = 0x4000_0000 + u64::from(slot) * 0x10_0000;
    let function = Function {
        address: slot << 3,
        configuration: range(configuration(slot), 4096),
        vendor: if virtio { 0x1af4 } else { 0x1b36 },
        device: if virtio { 0x1041 } else { 0x0005 },
        subsystem: 0,
        class: 0x02_0000,
        bars: [
            Some(range(base, 0x2000)),
            None,
            Some(range(base + 0x4000, 0x4000)),
            None,
            None,
            None,
        ],
        wire: Some(Interrupt {
            number: WIRE,
            edge: false,
        }),
        messages: Some(Messages {
            capability: CAPABILITY,
            table: range(base + 0x1000, 32),
            count: 2,
        }),
        reset: virtio.then_some(base + 0x4014),
    };
    let machine = &sim.kernel.memory.machine;
    machine.write_device(PhysAddr(configuration(slot) + 4), command::NO_WIRE | 2);
    machine.write_device(PhysAddr(base + 0x4014), 0xf);
    sim.kernel.add_pci_function(&function);
    function
}

fn command_of(sim: &Sim, slot: u16) -> u32 {
    let at = PhysAddr(configuration(slot)).offset(register::COMMAND);
    sim.kernel.memory.machine.read_device(at)
}

/// The root gives a device to itself and plays its driver.
fn drive(sim: &mut Sim, index: usize) -> (usize, usize, usize) {
    let (root, system) = (sim.root, sim.system);
    let device = sim.ok(root, Call::DeviceOpen, &[system, index]);
    let line = sim.ok(root, Call::DeviceInterrupt, &[device, 0]);
    let queue = sim.queue(root);
    sim.attach(root, queue, line, index);
    (device, line, queue)
}

/// The interrupt controller's part: whether the interrupt came through.
fn fire(sim: &mut Sim, number: u32) -> bool {
    let machine = &sim.kernel.memory.machine;
    if !machine.is_unmasked(number) {
        return false;
    }
    machine.mask_interrupt(number);
    machine.set_current_cpu(0);
    sim.kernel.device_interrupt(0, number);
    sim.interrupt(0, false);
    sim.settle();
    true
}

fn refused(sim: &mut Sim, call: Call, arguments: &[usize]) -> Error {
    let Outcome::Done(results) = sim.call(sim.root, call, arguments) else {
        panic!("it answers");
    };
    Error::from_register(results[0]).expect_err("it is refused")
}

#[test]
fn a_shared_wire_stays_masked_until_every_holder_has_acknowledged() {
    let mut sim = Sim::new(1);
    add(&mut sim, 1, true);
    add(&mut sim, 2, true);
    let (root, (_, first, first_queue)) = (sim.root, drive(&mut sim, 0));
    let (second_device, second, second_queue) = drive(&mut sim, 1);
    assert!(fire(&mut sim, WIRE));
    // Both hear of it, since nobody knows whose it was.
    for queue in [first_queue, second_queue] {
        let event = sim.poll(root, queue).expect("it fired");
        assert_eq!(event.kind, EventKind::Interrupt);
    }
    sim.ok(root, Call::InterruptAck, &[first]);
    assert!(!fire(&mut sim, WIRE));
    sim.ok(root, Call::InterruptAck, &[second]);
    assert!(fire(&mut sim, WIRE));
    // A holder that is gone counts as one that has acknowledged, and its device is silent.
    sim.ok(root, Call::InterruptAck, &[first]);
    assert!(!fire(&mut sim, WIRE));
    assert_eq!(command_of(&sim, 2) & command::NO_WIRE, 0);
    sim.ok(root, Call::HandleClose, &[second_device]);
    assert_ne!(command_of(&sim, 2) & command::NO_WIRE, 0);
    assert!(fire(&mut sim, WIRE));
    // And one that comes in between does not let it through.
    let _ = drive(&mut sim, 1);
    assert!(!fire(&mut sim, WIRE));
    sim.ok(root, Call::InterruptAck, &[first]);
    assert!(fire(&mut sim, WIRE));
}

#[test]
fn messages_are_routed_and_taken_back() {
    let mut sim = Sim::new(1);
    sim.kernel.memory.machine.set_messages(2);
    let function = add(&mut sim, 3, true);
    let (device, line, queue) = drive(&mut sim, 0);
    let root = sim.root;
    let word = |sim: &Sim, at: u64| sim.kernel.memory.machine.read_device(PhysAddr(at));
    let table = function.messages.unwrap().table.start;
    assert_eq!(word(&sim, configuration(3) + CAPABILITY as u64) >> 30, 2);
    assert_eq!(
        [0, 4, 8, 12].map(|at| word(&sim, table + at)),
        [0xfee0_0000, 0, 0, 0]
    );
    let sender = |sim: &Sim| sim.kernel.memory.machine.message_sender(MESSAGES_START);
    assert_eq!(sender(&sim), Some((3 << 3, 0)));
    // The wire stays unused.
    assert_ne!(command_of(&sim, 3) & command::NO_WIRE, 0);
    assert!(fire(&mut sim, MESSAGES_START));
    assert!(sim.poll(root, queue).is_some());
    sim.ok(root, Call::InterruptAck, &[line]);
    assert!(fire(&mut sim, MESSAGES_START));
    sim.ok(root, Call::DeviceInterrupt, &[device, 1]);
    assert_eq!(word(&sim, table + 16 + 8), 1);
    sim.ok(root, Call::HandleClose, &[device]);
    assert_eq!(sender(&sim), None);
    assert_eq!(word(&sim, table + 12) & word(&sim, table + 28), 1);
    assert_eq!(word(&sim, configuration(3) + CAPABILITY as u64) >> 30, 0);
    assert!(!fire(&mut sim, MESSAGES_START));
}

#[test]
fn memory_is_used_from_the_first_folio_until_the_reset() {
    let mut sim = Sim::new(1);
    let function = add(&mut sim, 1, true);
    add(&mut sim, 2, false);
    let (root, system) = (sim.root, sim.system);
    let folio = sim.ok(root, Call::FolioCreate, &[4096, 1]);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    assert_eq!(command_of(&sim, 1) & command::MASTER, 0);
    sim.ok(root, Call::DeviceDma, &[device, folio]);
    assert_ne!(command_of(&sim, 1) & command::MASTER, 0);
    sim.ok(root, Call::HandleClose, &[device]);
    assert_eq!(command_of(&sim, 1) & command::MASTER, 0);
    let status = PhysAddr(function.reset.unwrap());
    assert_eq!(sim.kernel.memory.machine.read_device(status), 0);
    // What the kernel cannot reset never gets any.
    let other = sim.ok(root, Call::DeviceOpen, &[system, 1]);
    assert_eq!(
        refused(&mut sim, Call::DeviceDma, &[other, folio]),
        Error::Unsupported
    );
}

/// What a device was told stays with it until its reset is through: nobody gets it before.
#[test]
fn a_device_that_takes_long_to_reset_is_nobodys_until_then() {
    let mut sim = Sim::new(1);
    let function = add(&mut sim, 1, true);
    let (root, system) = (sim.root, sim.system);
    let status = PhysAddr(function.reset.unwrap());
    // Left at work by firmware: the reset of the first who wants it does.
    assert_eq!(sim.kernel.memory.machine.read_device(status), 0xf);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    assert_eq!(sim.kernel.memory.machine.read_device(status), 0);
    sim.kernel.memory.machine.write_device(status, 0xf);
    sim.kernel.memory.machine.set_stuck(status, true);
    sim.ok(root, Call::HandleClose, &[device]);
    assert_eq!(command_of(&sim, 1) & command::MASTER, 0);
    assert_eq!(
        refused(&mut sim, Call::DeviceOpen, &[system, 0]),
        Error::Busy
    );
    sim.kernel.memory.machine.set_stuck(status, false);
    sim.ok(root, Call::DeviceOpen, &[system, 0]);
}

/// Who lets the device reach something pays for the tables of that, and gets it back when it is over. Init, who has opened
/// it, does not.
#[test]
fn the_tables_of_a_device_are_charged_to_its_driver() {
    let mut sim = Sim::new(2);
    sim.kernel.memory.machine.set_iommu();
    sim.kernel.memory.machine.set_messages(2);
    add(&mut sim, 1, true);
    let (root, system) = (sim.root, sim.system);
    let pages = |sim: &Sim, process| sim.kernel.processes[process].memory_pages;
    let init = sim.kernel.threads[root].process;
    let before = pages(&sim, init);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    assert_eq!(pages(&sim, init), before + 1);

    let driver = sim.spawn_with(params("driver"), device);
    let driver_process = driver.process;
    let device = abi::Handle::new(0, 1).raw() as usize;
    let folio = sim.ok(driver.thread, Call::FolioCreate, &[8192, 1]);
    let with_folio = pages(&sim, driver_process);
    let open = pages(&sim, init);
    sim.ok(driver.thread, Call::DeviceDma, &[device, folio]);
    // The first table is the driver's now, and the two below it.
    assert_eq!(pages(&sim, driver_process), with_folio + 3);
    assert_eq!(pages(&sim, init), open - 1);
    // The place that messages go to lies in another GiB.
    sim.ok(driver.thread, Call::DeviceInterrupt, &[device, 0]);
    assert_eq!(pages(&sim, driver_process), with_folio + 5);
    sim.ok(driver.thread, Call::HandleClose, &[device]);
    assert_eq!(pages(&sim, driver_process), with_folio);
    assert_eq!(pages(&sim, init), open - 1);
}

#[test]
fn a_driver_gets_the_registers_and_not_the_table_of_messages() {
    let mut sim = Sim::new(1);
    add(&mut sim, 1, true);
    let (root, system) = (sim.root, sim.system);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    let mut len = |range| {
        sim.ok(root, Call::DeviceMap, &[device, range]);
        let page = sim.kernel.threads[root].receive_page();
        let answer = sim.kernel.memory.machine.memory(page).cast::<DeviceRange>();
        // SAFETY: the kernel has just written it there.
        unsafe { answer.read() }.len
    };
    assert_eq!(len(0), 4096);
    // The table begins with the second page.
    assert_eq!(len(1), 4096);
    assert_eq!(len(3), 0x4000);
    for missing in [2, 4, 7] {
        let refusal = refused(&mut sim, Call::DeviceMap, &[device, missing]);
        assert_eq!(refusal, Error::NotFound);
    }
}
