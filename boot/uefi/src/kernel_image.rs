//! The header of a kernel (Linux, Documentation/arch/arm64/booting.rst; that of RISC-V has the same fields here).

/// Where the image has to lie: at a multiple of this.
pub const ALIGNMENT: u64 = 2 << 20;

/// How many bytes of memory the kernel needs from its first byte on, its zeroed data included. None if this is no
/// kernel, or one that wants to lie somewhere else.
pub fn memory_len(image: &[u8]) -> Option<u64> {
    let number = |at: usize| {
        let bytes = image.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let magic = image.get(56..60)?;
    let (offset, len) = (number(8)?, number(16)?);
    let fits = magic == b"ARM\x64" && offset == 0 && len >= image.len() as u64;
    fits.then_some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_kernel_from_other_files() {
        let mut image = [0; 100];
        image[56..60].copy_from_slice(b"ARM\x64");
        image[16..24].copy_from_slice(&0x5000u64.to_le_bytes());
        assert_eq!(memory_len(&image), Some(0x5000));
        // Shorter than its file, at another offset, cut off, something else.
        image[16] = 0;
        image[17] = 0;
        assert_eq!(memory_len(&image), None);
        image[17] = 0x50;
        image[8] = 1;
        assert_eq!(memory_len(&image), None);
        assert_eq!(memory_len(&image[..50]), None);
        assert_eq!(memory_len(b""), None);
    }
}
