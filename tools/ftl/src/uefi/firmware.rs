//! UEFI firmware for QEMU, which distributions have in a package of its own or bring with QEMU.

use std::path::PathBuf;

use crate::arch::Arch;
use crate::doctor::find_program;

/// Firmware for a machine: two images of flash memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// The firmware itself.
    pub code: PathBuf,
    /// Where it keeps its settings; as it is when there are none.
    pub variables: PathBuf,
}

impl Firmware {
    /// Looks for firmware for Arm machines. `Err` says, for people, why there is none.
    pub fn find() -> Result<Firmware, String> {
        // Debian and Ubuntu; Fedora; what QEMU brings.
        let mut places = vec![
            ("/usr/share/AAVMF".into(), "AAVMF_CODE.fd", "AAVMF_VARS.fd"),
            (
                PathBuf::from("/usr/share/edk2/aarch64"),
                "QEMU_EFI-pflash.raw",
                "vars-template-pflash.raw",
            ),
        ];
        let mut folders = vec![PathBuf::from("/usr/share/qemu")];
        if let Some(qemu) = find_program(Arch::Arm64.qemu()) {
            let qemu = qemu.canonicalize().unwrap_or(qemu);
            folders.extend(
                qemu.ancestors()
                    .nth(2)
                    .map(|prefix| prefix.join("share/qemu")),
            );
        }
        for folder in folders {
            places.push((folder, "edk2-aarch64-code.fd", "edk2-arm-vars.fd"));
        }
        places
            .into_iter()
            .map(|(folder, code, variables)| Firmware {
                code: folder.join(code),
                variables: folder.join(variables),
            })
            .find(|firmware| firmware.code.exists() && firmware.variables.exists())
            .ok_or_else(|| "no AAVMF_CODE.fd, nor edk2-aarch64-code.fd beside QEMU".to_owned())
    }
}
