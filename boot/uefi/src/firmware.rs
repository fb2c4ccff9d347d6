//! Talking to the firmware.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use uefi::boot::{self, AllocateType};
use uefi::mem::memory_map::{MemoryDescriptor, MemoryMap, MemoryType};
use uefi::proto::loaded_image::LoadedImage;
use uefi::proto::media::file::{Directory, File, FileAttribute, FileInfo, FileMode};
use uefi::proto::rng::Rng;
use uefi::{CStr16, Guid, Handle, Status, cstr16, guid, println, system};

use uefi_loader::memory::{self, Entry, Range, Use};
use uefi_loader::tree::{self, Additions};
use uefi_loader::{PAGE_LEN, kernel_image};

use crate::arch;

/// The configuration table with the device tree (EBBR, section 2.3).
const DEVICE_TREE: Guid = guid!("b1b621d5-f19c-41a5-830b-d9152c69aae0");
const KERNEL: &CStr16 = cstr16!("\\EFI\\FTL\\kernel");
const ARCHIVE: &CStr16 = cstr16!("\\EFI\\FTL\\archive.tar");
const COMMAND_LINE: &CStr16 = cstr16!("\\EFI\\FTL\\cmdline");

/// Room for the device tree beside the kernel. What a tree may need more than the firmware's is far less.
const TREE_LEN_MAX: u64 = 2 << 20;

/// Whether boot services have ended, and there is nobody any more who could show a message.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Why the kernel is not started, for people.
type Result<T> = core::result::Result<T, String>;

/// Where the firmware enters.
#[unsafe(no_mangle)]
unsafe extern "efiapi" fn _start(image: Handle, table: *const core::ffi::c_void) -> Status {
    // SAFETY: these two are what the firmware passes to a program (UEFI, section 4.1).
    unsafe {
        boot::set_image_handle(image);
        uefi::table::set_system_table(table.cast());
    }
    let Err(reason) = start();
    println!("FTL cannot be started: {reason}");
    Status::LOAD_ERROR
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if !ENDED.load(Ordering::Relaxed) {
        println!("FTL cannot be started: its boot loader failed: {info}");
        // SAFETY: this is our own handle, and nothing of ours is used after.
        let _ = unsafe {
            boot::exit(
                boot::image_handle(),
                Status::ABORTED,
                0,
                core::ptr::null_mut(),
            )
        };
    }
    loop {
        core::hint::spin_loop();
    }
}

/// Everything; comes back only if something is missing.
fn start() -> Result<core::convert::Infallible> {
    let firmware_tree = device_tree()?;
    let (kernel, archive, mut command_line) = {
        let mut volume = volume()?;
        let kernel = read(&mut volume, KERNEL)?.ok_or_else(|| missing(KERNEL))?;
        let archive = open(&mut volume, ARCHIVE)?.ok_or_else(|| missing(ARCHIVE))?;
        let archive = archive.into_pages()?;
        let command_line = read(&mut volume, COMMAND_LINE)?.unwrap_or_default();
        (kernel, archive, text(&command_line)?)
    };
    add_load_options(&mut command_line);
    let memory_len = kernel_image::memory_len(&kernel)
        .ok_or_else(|| alloc::format!("{KERNEL} is no kernel for this machine"))?;
    let seed = random_seed();
    println!(
        "FTL is started: kernel {} KiB, boot archive {} KiB",
        kernel.len() >> 10,
        (archive.end - archive.start) >> 10
    );

    // The kernel, and behind it the tree.
    let kernel_len = memory_len.next_multiple_of(PAGE_LEN);
    let map = entries(&boot::memory_map(MemoryType::LOADER_DATA).map_err(refused)?);
    let place = memory::place(
        map.iter().copied(),
        kernel_len + TREE_LEN_MAX,
        kernel_image::ALIGNMENT,
    )
    .ok_or("there is not enough memory in one piece")?;
    let block = allocate(AllocateType::Address(place), kernel_len + TREE_LEN_MAX)?;
    block[..kernel.len()].copy_from_slice(&kernel);
    block[kernel.len()..].fill(0);
    let tree_block = &mut block[kernel_len as usize..];

    let additions = Additions {
        memory: &memory::memory(map.iter().copied()),
        archive,
        command_line: &command_line,
        seed: seed.as_ref().map(|seed| &seed[..]),
    };
    let written =
        tree::write(firmware_tree, &additions).ok_or("the firmware's device tree is damaged")?;
    let tree_block = tree_block
        .get_mut(..written.len())
        .ok_or("the firmware's device tree is too long")?;
    tree_block.copy_from_slice(&written);

    // The point of no return: no messages after it, and no memory. Nothing goes out of scope any more, either.
    ENDED.store(true, Ordering::Relaxed);
    // SAFETY: no protocol is open any more, and no reference to the firmware's data is used after: the tree
    // was copied.
    let last = unsafe { boot::exit_boot_services(None) };
    tree::reserve(tree_block, &memory::kept(last.entries().map(entry)));
    let tree_at = tree_block.as_ptr() as u64;
    arch::publish(place, kernel_len + TREE_LEN_MAX);
    arch::publish(archive.start, archive.end - archive.start);
    // SAFETY: boot services have ended; both were put there above, and published.
    unsafe { arch::enter_kernel(place, tree_at) }
}

/// The device tree that the firmware has.
fn device_tree() -> Result<&'static [u8]> {
    let address = system::with_config_table(|tables| {
        let found = tables.iter().find(|table| table.guid == DEVICE_TREE);
        found.map(|table| table.address.cast::<u8>())
    })
    .filter(|address| !address.is_null())
    .ok_or(
        "the firmware has no device tree, and FTL needs one: turn ACPI off in the firmware's settings \
         (QEMU: -machine virt,acpi=off)",
    )?;
    // SAFETY: the table holds a device tree, of at least a header, and the header tells how long it is.
    unsafe {
        let header = core::slice::from_raw_parts(address, 40);
        let len = tree::blob_len(header).ok_or("the firmware's device tree is damaged")?;
        Ok(core::slice::from_raw_parts(address, len))
    }
}

/// The root of the file system that this program comes from.
fn volume() -> Result<Directory> {
    let mut files = boot::get_image_file_system(boot::image_handle()).map_err(|error| {
        alloc::format!(
            "the disk that it comes from cannot be read ({})",
            error.status()
        )
    })?;
    files
        .open_volume()
        .map_err(|error| alloc::format!("its disk cannot be read ({})", error.status()))
}

/// A file, and how long it is.
struct Opened {
    name: &'static CStr16,
    file: uefi::proto::media::file::RegularFile,
    len: u64,
}

/// Opens a file, if it is there.
fn open(volume: &mut Directory, name: &'static CStr16) -> Result<Option<Opened>> {
    let failed = |error: uefi::Error| unreadable(name, error.status());
    let mut handle = match volume.open(name, FileMode::Read, FileAttribute::empty()) {
        Ok(handle) => handle,
        Err(error) if error.status() == Status::NOT_FOUND => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let info = handle.get_boxed_info::<FileInfo>().map_err(failed)?;
    let len = info.file_size();
    let file = handle
        .into_regular_file()
        .ok_or_else(|| alloc::format!("{name} is a folder"))?;
    Ok(Some(Opened { name, file, len }))
}

/// The bytes of a file, if it is there.
fn read(volume: &mut Directory, name: &'static CStr16) -> Result<Option<Vec<u8>>> {
    let Some(mut opened) = open(volume, name)? else {
        return Ok(None);
    };
    let mut bytes = vec![0; opened.len as usize];
    opened.read_to(&mut bytes)?;
    Ok(Some(bytes))
}

impl Opened {
    fn read_to(&mut self, bytes: &mut [u8]) -> Result<()> {
        let read = self.file.read(bytes);
        match read.map_err(|error| unreadable(self.name, error.status()))? {
            len if len == bytes.len() => Ok(()),
            _ => Err(alloc::format!(
                "{} is shorter than its disk says",
                self.name
            )),
        }
    }

    /// Reads all of it to pages of its own, which stay.
    fn into_pages(mut self) -> Result<Range> {
        if self.len == 0 {
            return Err(alloc::format!("{} is empty", self.name));
        }
        let pages = allocate(AllocateType::AnyPages, self.len)?;
        self.read_to(&mut pages[..self.len as usize])?;
        let start = pages.as_ptr() as u64;
        Ok(Range {
            start,
            end: start + self.len,
        })
    }
}

/// Whole pages of memory, which stay. Their content is anything.
fn allocate(place: AllocateType, len: u64) -> Result<&'static mut [u8]> {
    let pages = len.div_ceil(PAGE_LEN) as usize;
    let memory: NonNull<u8> =
        boot::allocate_pages(place, MemoryType::LOADER_DATA, pages).map_err(refused)?;
    // SAFETY: the pages were given to us just now, for good.
    unsafe {
        memory.write_bytes(0, pages * PAGE_LEN as usize);
        Ok(core::slice::from_raw_parts_mut(
            memory.as_ptr(),
            pages * PAGE_LEN as usize,
        ))
    }
}

/// The words of a command line, in one line.
fn text(bytes: &[u8]) -> Result<String> {
    let text =
        core::str::from_utf8(bytes).map_err(|_| alloc::format!("{COMMAND_LINE} is no text"))?;
    Ok(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// Adds words that whoever started this program gave it, as UEFI's shell or a boot entry can. Only ours count, since
/// others put their own things there, such as the program's name.
fn add_load_options(command_line: &mut String) {
    let Ok(image) = boot::open_protocol_exclusive::<LoadedImage>(boot::image_handle()) else {
        return;
    };
    let Ok(options) = image.load_options_as_cstr16() else {
        return;
    };
    let options = options.to_string();
    for word in options.split_ascii_whitespace() {
        if word.starts_with("ftl.") {
            let gap = if command_line.is_empty() { "" } else { " " };
            let _ = write!(command_line, "{gap}{word}");
        }
    }
}

/// Random bytes, if the firmware makes some.
fn random_seed() -> Option<[u8; 64]> {
    let handle = boot::get_handle_for_protocol::<Rng>().ok()?;
    let mut generator = boot::open_protocol_exclusive::<Rng>(handle).ok()?;
    let mut seed = [0; 64];
    generator.get_rng(None, &mut seed).ok()?;
    Some(seed)
}

fn entries(map: &impl MemoryMap) -> Vec<Entry> {
    map.entries().map(entry).collect()
}

/// What an entry of the memory map is to us (UEFI, section 7.2, "Memory Type Usage after ExitBootServices").
fn entry(descriptor: &MemoryDescriptor) -> Entry {
    let used = match descriptor.ty {
        MemoryType::CONVENTIONAL => Use::Free,
        MemoryType::LOADER_CODE
        | MemoryType::LOADER_DATA
        | MemoryType::BOOT_SERVICES_CODE
        | MemoryType::BOOT_SERVICES_DATA => Use::Boot,
        MemoryType::RUNTIME_SERVICES_CODE
        | MemoryType::RUNTIME_SERVICES_DATA
        | MemoryType::ACPI_RECLAIM
        | MemoryType::ACPI_NON_VOLATILE
        | MemoryType::PAL_CODE => Use::Kept,
        _ => Use::Other,
    };
    let start = descriptor.phys_start;
    Entry {
        range: Range {
            start,
            end: start + descriptor.page_count * PAGE_LEN,
        },
        used,
    }
}

fn missing(name: &CStr16) -> String {
    alloc::format!(
        "there is no {name} on its disk; `./ftl image` makes a disk with all that is needed"
    )
}

fn unreadable(name: &CStr16, status: Status) -> String {
    alloc::format!("{name} cannot be read ({status})")
}

fn refused(error: uefi::Error) -> String {
    alloc::format!("the firmware has no memory for it ({})", error.status())
}
