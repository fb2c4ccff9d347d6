//! The virtual machine: QEMU's `virt` boards, and how they are asked for.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::uefi::firmware::Firmware;

/// Where virtio devices are plugged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bus {
    /// At addresses of their own, as the device tree tells.
    #[default]
    Mmio,
    /// Into PCI Express.
    Pci,
    /// Into PCI Express behind an IOMMU, which arm64 machines can have.
    PciBehindIommu,
}

impl Bus {
    /// QEMU's argument for a device of a kind: `net`, `blk`, `rng`, `serial`.
    pub fn device(self, kind: &str, properties: &str) -> String {
        let comma = if properties.is_empty() { "" } else { "," };
        match self {
            Bus::Mmio => format!("virtio-{kind}-device{comma}{properties}"),
            Bus::Pci | Bus::PciBehindIommu => {
                // Without what firmware would boot from a network with, which not every QEMU brings.
                let rom = if kind == "net" { ",romfile=" } else { "" };
                let behind = match self {
                    Bus::PciBehindIommu => ",iommu_platform=on",
                    _ => "",
                };
                format!("virtio-{kind}-pci,disable-legacy=on{rom}{behind}{comma}{properties}")
            }
        }
    }
}

/// Everything that is fixed before the machine starts.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its architecture.
    pub arch: Arch,
    /// The kernel, as [`crate::build`] made it.
    pub kernel: PathBuf,
    /// The boot archive.
    pub archive: PathBuf,
    /// Number of CPUs.
    pub smp: u32,
    /// Memory, in QEMU's notation (`128M`).
    pub mem: String,
    /// Where devices are plugged in.
    pub bus: Bus,
    /// TCP ports that lead from the host into the guest.
    pub ports: Vec<Port>,
    /// Whether virtual time counts instructions, which makes counts repeat exactly.
    pub icount: bool,
    /// Makes the whole run repeat: randomness, clocks and the order of events.
    pub seed: Option<u64>,
    /// Whether the machine starts again when it is reset, and is reset when the kernel panics.
    pub reboot: bool,
    /// More words for the kernel's command line.
    pub append: Vec<String>,
    /// A socket that the port `ftl.host` of a virtio console leads to.
    pub host_port: Option<PathBuf>,
    /// Where to make a socket that leads to a second terminal, the port `console` of a virtio console.
    pub terminal: Option<PathBuf>,
    /// The firmware that starts it, and from which disk. Without, QEMU itself starts kernel and archive.
    pub firmware: Option<(Firmware, PathBuf)>,
    /// A tap device of the host that the network is, in place of QEMU's own; there are no ports then.
    pub tap: Option<String>,
    /// Passed on to QEMU unseen.
    pub extra: Vec<OsString>,
}

/// A host port on 127.0.0.1 that leads to a guest port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// On the host; 0 until [`Port::claim`] has chosen one.
    pub host: u16,
    /// In the guest.
    pub guest: u16,
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Port, String> {
        let parse = || {
            let (host, guest) = text.split_once(':')?;
            Some(Port {
                host: host.parse().ok()?,
                guest: guest.parse().ok().filter(|&guest| guest != 0)?,
            })
        };
        parse().ok_or_else(|| {
            "write it as HOST:GUEST, numbers up to 65535, for example 8080:80 (HOST 0: any free one)"
                .into()
        })
    }
}

/// Reads an amount of memory, and gives it as QEMU reads it: `128M`, `1G`; a number alone means MiB.
pub fn memory(text: &str) -> Result<String, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1),
        Some((at, 'M' | 'm')) => (&text[..at], 1 << 10),
        Some((at, 'G' | 'g')) => (&text[..at], 1 << 20),
        _ => (text, 1 << 10),
    };
    let kib = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    match kib {
        None => Err("write it as a number with M or G behind, for example 128M".into()),
        Some(kib) if kib < MEMORY_MIN_KIB => Err("nothing boots in less than 16M".into()),
        Some(_) => Ok(text.to_owned()),
    }
}

/// Where the firmware, the kernel and the archive of a small system have room.
const MEMORY_MIN_KIB: u64 = 16 << 10;

impl Port {
    /// Claims several, of which none is chosen twice.
    pub fn claim_all(ports: &mut [Port]) -> Result<()> {
        // One that is let go of too early could be the next that is free.
        let held: Result<Vec<_>> = ports.iter_mut().map(Port::claim).collect();
        held.map(drop)
    }

    /// Checks that the host port is free, or chooses a free one for 0. It is this machine's as long as the answer is held.
    ///
    /// Somebody may still take it before QEMU does; QEMU then says so itself.
    pub fn claim(&mut self) -> Result<TcpListener> {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, self.host)) {
            Ok(listener) => {
                self.host = listener.local_addr()?.port();
                Ok(listener)
            }
            Err(error) => bail!(
                "port {} of this machine {}; choose another with --port {}:{}",
                self.host,
                match error.kind() {
                    ErrorKind::AddrInUse => "is taken".to_owned(),
                    _ => format!("cannot be used ({error})"),
                },
                if self.host < 1024 {
                    8080
                } else {
                    self.host.saturating_add(1)
                },
                self.guest
            ),
        }
    }
}

impl Machine {
    /// QEMU's arguments.
    ///
    /// Nothing is there by default but what is listed here. The UART is QEMU's standard input and
    /// output; the tool stands between it and the terminal (see [`crate::run`]).
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        match self.arch {
            Arch::Riscv64 => add(&["-machine", "virt", "-bios", "default"]),
            // A CPU without SVE and SME, which stay off (rule 3); GICv3, since v2 ends at 8 CPUs.
            Arch::Arm64 => {
                let iommu = match self.bus {
                    Bus::PciBehindIommu => ",iommu=smmuv3",
                    Bus::Mmio | Bus::Pci => "",
                };
                // Firmware hands over either ACPI's tables or a device tree.
                let tables = if self.firmware.is_some() {
                    ",acpi=off"
                } else {
                    ""
                };
                let machine = format!("virt,gic-version=3{iommu}{tables}");
                add(&["-machine", &machine, "-cpu", "cortex-a72"]);
            }
        }
        add(&["-smp", &self.smp.to_string(), "-m", &self.mem]);
        add(&["-nodefaults", "-display", "none"]);
        if !self.reboot {
            add(&["-no-reboot"]);
        }
        add(&[
            "-chardev",
            "stdio,id=uart,signal=off",
            "-serial",
            "chardev:uart",
        ]);
        add(&["-global", "virtio-mmio.force-legacy=false"]);

        let mut network = match &self.tap {
            Some(name) => format!("tap,id=net0,ifname={name},script=no,downscript=no"),
            None => "user,id=net0".to_owned(),
        };
        for port in &self.ports {
            network += &format!(",hostfwd=tcp:127.0.0.1:{}-:{}", port.host, port.guest);
        }
        add(&[
            "-netdev",
            &network,
            "-device",
            &self.bus.device("net", "netdev=net0"),
        ]);
        // QEMU's own generator, because that is the one that `-seed` makes repeat.
        add(&[
            "-object",
            "rng-builtin,id=rng0",
            "-device",
            &self.bus.device("rng", "rng=rng0"),
        ]);

        if let Some(socket) = &self.host_port {
            // In such a list a comma is written twice.
            let path = socket.display().to_string().replace(',', ",,");
            add(&[
                "-chardev",
                &format!("socket,id=host,path={path}"),
                "-device",
                &self.bus.device("serial", "id=serial0,max_ports=4"),
                "-device",
                "virtserialport,bus=serial0.0,chardev=host,name=ftl.host",
            ]);
        }

        if let Some(socket) = &self.terminal {
            let path = socket.display().to_string().replace(',', ",,");
            add(&[
                "-chardev",
                &format!("socket,id=terminal,path={path},server=on,wait=off"),
                "-device",
                &self.bus.device("serial", "id=serial1,max_ports=4"),
                "-device",
                "virtserialport,bus=serial1.0,chardev=terminal,name=console",
            ]);
        }

        if let Some(seed) = self.seed {
            add(&["-seed", &seed.to_string()]);
            add(&["-rtc", "base=2026-01-01T00:00:00,clock=vm"]);
            add(&["-icount", "shift=0,sleep=off"]);
        } else if self.icount {
            add(&["-icount", "shift=0"]);
        }
        match &self.firmware {
            Some((firmware, disk)) => arguments.extend(self.start_by(firmware, disk)),
            None => {
                arguments.extend(["-kernel".into(), self.kernel.clone().into_os_string()]);
                arguments.extend(["-initrd".into(), self.archive.clone().into_os_string()]);
                let command_line = self.command_line();
                if !command_line.is_empty() {
                    arguments.extend(["-append".into(), command_line.into()]);
                }
            }
        }
        arguments.extend(self.extra.iter().cloned());
        arguments
    }

    /// Whether CPUs that wait for each other may wait for ever: where instructions are counted, QEMU runs CPUs by
    /// turns, and before version 8.1 one that spins in the firmware can have everybody's turns
    /// (docs/decisions/0070-instructions-are-counted-on-one-cpu.md).
    pub fn may_stand_still(&self, qemu_version: (u32, u32)) -> bool {
        self.smp > 1 && (self.icount || self.seed.is_some()) && qemu_version < (8, 1)
    }

    /// The kernel's command line.
    pub fn command_line(&self) -> String {
        let mut words = self.append.clone();
        if self.reboot {
            words.push("ftl.panic=reset".to_owned());
        }
        words.extend(self.seed.map(|seed| format!("ftl.seed={seed}")));
        words.join(" ")
    }

    /// The arguments that have firmware start the machine from a disk. Neither the firmware's settings nor the disk are
    /// changed for good.
    fn start_by(&self, firmware: &Firmware, disk: &Path) -> Vec<OsString> {
        let flash = "if=pflash,format=raw";
        let drives = [
            (
                format!("{flash},unit=0,readonly=on"),
                firmware.code.as_path(),
            ),
            (format!("{flash},unit=1,snapshot=on"), &firmware.variables),
            ("if=none,id=boot,format=raw,snapshot=on".into(), disk),
        ];
        let mut arguments = Vec::new();
        for (options, path) in drives {
            // A comma in a file's name is written twice.
            let path = path.display().to_string().replace(',', ",,");
            arguments.extend(["-drive".into(), format!("{options},file={path}").into()]);
        }
        // No file system is on it for FTL: it looks for disks by their names.
        let device = self
            .bus
            .device("blk", "drive=boot,serial=ftl-boot,bootindex=0");
        arguments.extend(["-device".into(), device.into()]);
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            arch: Arch::Riscv64,
            kernel: "kernel".into(),
            archive: "default.tar".into(),
            smp: 2,
            mem: "128M".into(),
            bus: Bus::Mmio,
            ports: vec![Port {
                host: 8080,
                guest: 80,
            }],
            icount: false,
            seed: None,
            reboot: false,
            append: Vec::new(),
            host_port: None,
            terminal: None,
            firmware: None,
            tap: None,
            extra: Vec::new(),
        }
    }

    #[test]
    fn several_cpus_whose_instructions_are_counted_are_told_of() {
        let mut machine = machine();
        assert!(!machine.may_stand_still((7, 2)));
        machine.icount = true;
        assert!(machine.may_stand_still((7, 2)) && machine.may_stand_still((8, 0)));
        assert!(!machine.may_stand_still((8, 1)) && !machine.may_stand_still((10, 0)));
        machine.smp = 1;
        assert!(!machine.may_stand_still((7, 2)));
    }

    #[test]
    fn ports_are_read() {
        assert_eq!(
            "8080:80".parse(),
            Ok(Port {
                host: 8080,
                guest: 80
            })
        );
        for wrong in ["80", "8080:", ":80", "8080:0", "70000:80", "a:b", "1:2:3"] {
            assert!(wrong.parse::<Port>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn memory_is_read() {
        for right in ["128M", "16m", "1G", "131072K", "64"] {
            assert_eq!(memory(right).as_deref(), Ok(right));
        }
        for wrong in [
            "",
            "M",
            "3Q",
            "1.5G",
            "-1G",
            "99999999999999999999G",
            "18446744073709551615G",
        ] {
            assert!(memory(wrong).unwrap_err().contains("128M"), "{wrong}");
        }
        assert!(memory("8M").unwrap_err().contains("16M"));
    }

    #[test]
    fn a_taken_port_is_told_with_a_way_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let host = taken.local_addr().unwrap().port();
        let error = Port { host, guest: 80 }.claim().unwrap_err().to_string();
        assert!(
            error.contains(&format!(
                "port {host} of this machine is taken; choose another with --port"
            )),
            "{error}"
        );

        let mut free = Port { host: 0, guest: 80 };
        free.claim().unwrap();
        assert_ne!(free.host, 0);

        // So many that two would be the same if each was let go of at once.
        let mut many = vec![Port { host: 0, guest: 80 }; 600];
        Port::claim_all(&mut many).unwrap();
        let different: std::collections::BTreeSet<u16> =
            many.iter().map(|port| port.host).collect();
        assert_eq!(different.len(), many.len());
    }

    #[test]
    fn devices_go_where_they_are_to_be_plugged_in() {
        let text = |machine: &Machine| format!("{:?}", machine.arguments());
        let mut machine = machine();
        assert!(text(&machine).contains("virtio-net-device,netdev=net0"));
        machine.bus = Bus::Pci;
        let pci = text(&machine);
        assert!(pci.contains("virtio-net-pci,") && pci.contains("virtio-rng-pci,"));
        assert!(!pci.contains("iommu") && !pci.contains("-device\", \"virtio-net-device"));
        machine.arch = Arch::Arm64;
        machine.bus = Bus::PciBehindIommu;
        let behind = text(&machine);
        assert!(behind.contains("iommu=smmuv3") && behind.contains("iommu_platform=on"));
    }

    #[test]
    fn firmware_starts_from_a_disk_and_gets_no_kernel() {
        let mut machine = machine();
        machine.arch = Arch::Arm64;
        machine.bus = Bus::Pci;
        machine.seed = Some(7);
        machine.firmware = Some((
            Firmware {
                code: "/code.fd".into(),
                variables: "/vars.fd".into(),
            },
            "a,b.img".into(),
        ));
        let text = format!("{:?}", machine.arguments());
        for part in [
            "acpi=off",
            "unit=0,readonly=on,file=/code.fd",
            "unit=1,snapshot=on,file=/vars.fd",
            "file=a,,b.img",
            "virtio-blk-pci,",
            "bootindex=0",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("-kernel") && !text.contains("-append"));
        assert_eq!(machine.command_line(), "ftl.seed=7");
    }

    #[test]
    fn a_seed_fixes_time_and_randomness() {
        let text = |machine: &Machine| format!("{:?}", machine.arguments());
        let mut machine = machine();
        assert!(!text(&machine).contains("-seed"));
        machine.seed = Some(7);
        let seeded = text(&machine);
        for part in [
            "\"-seed\", \"7\"",
            "ftl.seed=7",
            "shift=0,sleep=off",
            "clock=vm",
        ] {
            assert!(seeded.contains(part), "{part} in {seeded}");
        }
    }
}
