//! From the firmware's call to the jump into the kernel.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use uefi_raw::table::system::SystemTable;
use uefi_raw::{Guid, Handle, Status, guid};

use uefi_loader::memory::{self, Entry, Range};
use uefi_loader::tree::{self, Additions};
use uefi_loader::{PAGE_LEN, kernel_image};

use crate::arch;
use crate::firmware::{self, File, Map, say};

/// The configuration table with the device tree (EBBR, section 2.3).
const DEVICE_TREE: Guid = guid!("b1b621d5-f19c-41a5-830b-d9152c69aae0");
const KERNEL: &str = "\\EFI\\FTL\\kernel";
const ARCHIVE: &str = "\\EFI\\FTL\\archive.tar";
const COMMAND_LINE: &str = "\\EFI\\FTL\\cmdline";

/// Room for the device tree beside the kernel. What a tree may need more than the firmware's is far less.
const TREE_LEN_MAX: u64 = 2 << 20;

/// Why the kernel is not started, for people.
type Result<T> = core::result::Result<T, String>;

/// Where the firmware enters.
#[unsafe(no_mangle)]
unsafe extern "efiapi" fn _start(image: Handle, table: *mut SystemTable) -> Status {
    // SAFETY: these two are what the firmware passes.
    unsafe { firmware::enter(image, table) };
    let Err(reason) = start();
    say(format_args!("FTL cannot be started: {reason}"));
    Status::LOAD_ERROR
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say(format_args!(
        "FTL cannot be started: its boot loader failed: {info}"
    ));
    loop {
        core::hint::spin_loop();
    }
}

/// Everything; comes back only if something is missing.
fn start() -> Result<Infallible> {
    let firmware_tree = device_tree()?;
    let (kernel, archive, command_line) = read_files()?;
    let command_line = with_load_options(command_line);
    let memory_len = kernel_image::memory_len(&kernel)
        .ok_or_else(|| format!("{KERNEL} is no kernel for this machine"))?;
    let mut seed = [0; 64];
    let has_seed = firmware::random(&mut seed).is_ok();
    say(format_args!(
        "FTL is started: kernel {} KiB, boot archive {} KiB",
        kernel.len() >> 10,
        (archive.end - archive.start) >> 10
    ));

    // The kernel, and behind it the tree.
    let kernel_len = memory_len.next_multiple_of(PAGE_LEN);
    let block_len = kernel_len + TREE_LEN_MAX;
    let map: Vec<Entry> = Map::now().map_err(refused)?.entries().collect();
    let place = memory::place(map.iter().copied(), block_len, kernel_image::ALIGNMENT)
        .ok_or("there is not enough memory in one piece")?;
    let block = firmware::allocate(Some(place), block_len).map_err(refused)?;
    let (kernel_block, tree_block) = block.split_at_mut(kernel_len as usize);
    kernel_block[..kernel.len()].copy_from_slice(&kernel);
    drop(kernel);

    let additions = Additions {
        memory: &memory::memory(map.iter().copied()),
        archive,
        command_line: &command_line,
        seed: has_seed.then_some(&seed),
    };
    let written =
        tree::write(firmware_tree, &additions).ok_or("the firmware's device tree is damaged")?;
    let tree_block = tree_block
        .get_mut(..written.len())
        .ok_or("the firmware's device tree is too long")?;
    tree_block.copy_from_slice(&written);

    // The point of no return: no messages after it, and no memory.
    // SAFETY: all files are closed, and the firmware's tree is not looked at any more: it was copied.
    let last = unsafe { firmware::end() }
        .map_err(|status| format!("the firmware does not let go of the machine ({status})"))?;
    tree::reserve(tree_block, &memory::kept(last.entries()));
    let tree_at = tree_block.as_ptr() as u64;
    arch::publish(place, block_len);
    arch::publish(archive.start, archive.end - archive.start);
    // SAFETY: boot services have ended; both were put there above, and published.
    unsafe { arch::enter_kernel(place, tree_at) }
}

/// The device tree that the firmware has.
fn device_tree() -> Result<&'static [u8]> {
    let address = firmware::configuration_table(DEVICE_TREE).ok_or(
        "the firmware has no device tree, and FTL needs one: turn ACPI off in the firmware's settings \
         (QEMU: -machine virt,acpi=off)",
    )?;
    // SAFETY: the table holds a device tree, of at least a header, and the header tells how long it is. It stays until
    // boot services end.
    unsafe {
        let header = core::slice::from_raw_parts(address, 40);
        let len = tree::blob_len(header).ok_or("the firmware's device tree is damaged")?;
        Ok(core::slice::from_raw_parts(address, len))
    }
}

/// The kernel, where the boot archive lies, and the command line.
fn read_files() -> Result<(Vec<u8>, Range, String)> {
    let disk = File::root()
        .map_err(|status| format!("the disk it comes from cannot be read ({status})"))?;
    let missing = |name| {
        format!(
            "there is no {name} on its disk; `./ftl image` makes a disk with all that is needed"
        )
    };
    let kernel = read(&disk, KERNEL)?.ok_or_else(|| missing(KERNEL))?;
    let archive = read_to_pages(&disk, ARCHIVE)?.ok_or_else(|| missing(ARCHIVE))?;
    let command_line = read(&disk, COMMAND_LINE)?.unwrap_or_default();
    let command_line =
        String::from_utf8(command_line).map_err(|_| format!("{COMMAND_LINE} is no text"))?;
    Ok((kernel, archive, command_line))
}

/// A file, if it is there, and how long it is.
fn open(disk: &File, name: &str) -> Result<Option<(File, u64)>> {
    let opened = disk.open(name).and_then(|file| {
        file.map(|file| {
            let len = file.len()?;
            Ok((file, len))
        })
        .transpose()
    });
    opened.map_err(|status| unreadable(name, status))
}

/// The bytes of a file, if it is there.
fn read(disk: &File, name: &str) -> Result<Option<Vec<u8>>> {
    let Some((mut file, len)) = open(disk, name)? else {
        return Ok(None);
    };
    let mut bytes = vec![0; len as usize];
    file.read(&mut bytes)
        .map_err(|status| unreadable(name, status))?;
    Ok(Some(bytes))
}

/// The same in pages of its own, which stay.
fn read_to_pages(disk: &File, name: &str) -> Result<Option<Range>> {
    let Some((mut file, len)) = open(disk, name)? else {
        return Ok(None);
    };
    if len == 0 {
        return Err(format!("{name} is empty"));
    }
    let pages = firmware::allocate(None, len).map_err(refused)?;
    file.read(&mut pages[..len as usize])
        .map_err(|status| unreadable(name, status))?;
    let start = pages.as_ptr() as u64;
    let end = start + len;
    Ok(Some(Range { start, end }))
}

/// The command line in one line, and behind it the words that whoever started this program gave it, as UEFI's shell or a
/// boot entry can. Only ours count, since others put their own things there, such as the program's name.
fn with_load_options(command_line: String) -> String {
    let options = firmware::load_options();
    let ours = options
        .split_ascii_whitespace()
        .filter(|word| word.starts_with("ftl."));
    let words: Vec<&str> = command_line.split_ascii_whitespace().chain(ours).collect();
    words.join(" ")
}

fn unreadable(name: &str, status: Status) -> String {
    format!("{name} cannot be read ({status})")
}

fn refused(status: Status) -> String {
    format!("the firmware has no memory for it ({status})")
}
