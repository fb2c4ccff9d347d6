//! The ways in which an Arm machine can differ: interrupt controller, CPU, the number of CPUs and the level
//! it starts at. Each boots the proof of ping. Elsewhere there is nothing to vary, and these tests do
//! nothing. Besides, what goes from one architecture to the other.

use std::time::Duration;

/// Boots the proof with these settings of QEMU's `virt` machine.
fn check(machine: &str, cpu: &str) {
    check_with(machine, cpu, 2);
}

fn check_with(machine: &str, cpu: &str, cpus: u32) {
    if e2e::arch() != "arm64" {
        return;
    }
    let boot = e2e::boot_init("ping_proof").smp(cpus);
    let exit = boot
        .qemu(["-machine", machine, "-cpu", cpu])
        .start()
        .wait_exit();
    assert_eq!(exit.code, 0, "{}", exit.log.join("\n"));
}

#[test]
fn gic_v2() {
    check("gic-version=2", "cortex-a72");
}

#[test]
fn newest_cpu() {
    check("gic-version=3", "max");
}

#[test]
fn started_at_el2() {
    check("gic-version=3,virtualization=on", "cortex-a72");
}

#[test]
fn started_at_el2_on_the_newest_cpu_with_gic_v2() {
    check("gic-version=2,virtualization=on", "max");
}

#[test]
fn one_cpu() {
    check_with("gic-version=3", "cortex-a72", 1);
}

/// As many as a GICv2 has room for, and as many as the kernel uses.
#[test]
fn eight_cpus() {
    check_with("gic-version=2", "cortex-a72", 8);
}

/// What was written on one architecture is read on the other, and the other way round.
#[test]
fn disks_go_from_one_architecture_to_the_other() {
    if e2e::arch() != "arm64" {
        return;
    }
    let folder = std::env::temp_dir().join(format!("ftl-exchange-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for disks");
    for (first, second) in [("riscv64", "arm64"), ("arm64", "riscv64")] {
        let disk = folder.join(format!("{first}.img"));
        for (run, arch) in [(1, first), (2, second)] {
            let exit = e2e::boot("file_proof")
                .on(arch)
                .argument("--disk")
                .argument(disk.display().to_string())
                .set("file_proof.run", run)
                .start()
                // The other architecture's components may have to be built first.
                .wait_exit_within(Duration::from_secs(400));
            assert_eq!(exit.code, 0, "run {run} on {arch}:\n{}", exit.tail());
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

/// What the newest CPU is told, read from outside by a debugger that stops it where components run: what protects
/// memory is on, address spaces have numbers of their own, and a component that has used no vector yet runs
/// with them off, so that nothing is saved for it.
#[test]
fn a_debugger_sees_what_is_switched_on() {
    if e2e::arch() != "arm64" || !e2e::is_first_variant() {
        return;
    }
    let in_user_mode = registers("user", "max");
    // Half a TLB each: 48 bits of address (T0SZ and T1SZ are 16), identifiers of 16 bits (AS).
    let translation = in_user_mode("TCR_EL1");
    assert_eq!((translation & 0x3f, translation >> 16 & 0x3f), (16, 16));
    assert_eq!(translation >> 36 & 1, 1);
    // What is writable is never executed (WXN), and an exception keeps the kernel from users' memory (SPAN is off).
    let control = in_user_mode("SCTLR");
    assert_eq!((control >> 19 & 1, control >> 23 & 1), (1, 0));
    // Two components: two tables, and two identifiers, of which none is the kernel's.
    let (first, second) = (in_user_mode("FIRST"), in_user_mode("SECOND"));
    assert_ne!(first & ADDRESS, second & ADDRESS);
    assert_ne!(first >> 48, second >> 48);
    assert!(first >> 48 != 0 && second >> 48 != 0);
    // CPACR_EL1.FPEN: off at the first instruction, on after vectors were used.
    assert_eq!(in_user_mode("FLOAT_FIRST") >> 20 & 3, 0);
    assert_eq!(in_user_mode("FLOAT_THEN") >> 20 & 3, 3);
    assert_eq!(in_user_mode("LEVEL") & 0xf, 0b0000);

    // In the kernel's address space: EL1t, and even there nothing of a user's can be reached (PAN).
    let in_the_kernel = registers("kernel", "max");
    assert_eq!(in_the_kernel("LEVEL") & 0xf, 0b0100);
    assert_eq!(in_the_kernel("LEVEL") >> 22 & 1, 1);
    // Nobody's table is in the lower half.
    assert_eq!(in_the_kernel("FIRST") >> 48, 0);
    assert_eq!(in_the_kernel("FIRST"), in_the_kernel("SECOND"));
    assert_eq!(in_the_kernel("FLOAT_FIRST") >> 20 & 3, 0);
}

/// Where a table is, of what TTBR0_EL1 holds.
const ADDRESS: u64 = 0x0000_ffff_ffff_fffe;

/// Registers as a debugger reads them at `pong`'s first instruction, in its `main`, and in `pinger`'s.
fn registers(isolation: &str, cpu: &str) -> impl Fn(&str) -> u64 {
    let print = |name: &str, register: &str| format!("printf \"{name}=%lu\\n\", ${register}");
    // Each image has a `_start`, and which runs first nobody promises.
    let until_pong = r#"python exec("while True:\n gdb.execute('continue')\n if any(l.startswith('pong ') and 'running' in l for l in gdb.execute('ftl ps', to_string=True).splitlines()): break")"#;
    let commands = [
        "hbreak _start".to_owned(),
        until_pong.to_owned(),
        print("FLOAT_FIRST", "CPACR"),
        print("LEVEL", "cpsr"),
        print("FIRST", "TTBR0_EL1"),
        print("TCR_EL1", "TCR_EL1"),
        print("SCTLR", "SCTLR"),
        "delete".to_owned(),
        "hbreak pong/src/main.rs:23".to_owned(),
        "continue".to_owned(),
        print("FLOAT_THEN", "CPACR"),
        "delete".to_owned(),
        "hbreak pinger/src/main.rs:22".to_owned(),
        "continue".to_owned(),
        print("SECOND", "TTBR0_EL1"),
    ];
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let text = e2e::gdb::debug(
        &["--isolation", isolation, "--smp", "1"],
        &commands,
        &["-cpu", cpu],
    );
    move |name| {
        let line = text.lines().find_map(|line| {
            let (left, right) = line.split_once('=')?;
            (left == name).then(|| right.trim().parse().ok())?
        });
        line.unwrap_or_else(|| panic!("no `{name}` in\n{text}"))
    }
}
