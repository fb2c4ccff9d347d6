//! The machines that FTL runs on, as the host sees them.

/// A CPU architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Arch {
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 2] = [Arch::Riscv64, Arch::Arm64];

    /// As it stands on the command line and in paths.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::Riscv64 => "riscv64",
            Arch::Arm64 => "arm64",
        }
    }

    /// Rust's target for the kernel, which has no floating point (rule 3).
    pub const fn kernel_target(self) -> &'static str {
        match self {
            Arch::Riscv64 => "riscv64imac-unknown-none-elf",
            Arch::Arm64 => "aarch64-unknown-none-softfloat",
        }
    }

    /// Rust's target for components.
    pub const fn component_target(self) -> &'static str {
        match self {
            Arch::Riscv64 => "riscv64gc-unknown-none-elf",
            Arch::Arm64 => "aarch64-unknown-none",
        }
    }

    /// The emulator's program.
    pub const fn qemu(self) -> &'static str {
        match self {
            Arch::Riscv64 => "qemu-system-riscv64",
            Arch::Arm64 => "qemu-system-aarch64",
        }
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
