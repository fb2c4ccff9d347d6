//! The firmware's tables and protocols as safe Rust: a thin layer over the crate `uefi-raw`, with just what a boot
//! loader needs. (The crate `uefi` has all of it, but a dependency whose licence this project does not take.)
//!
//! Everything is asked through the system table, which is there from [`enter`] until [`end`]. After that nothing is asked, and nothing
//! can be allocated.

use alloc::string::String;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::fmt::{self, Write};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use uefi_raw::protocol::file_system::{
    FileAttribute, FileInfo, FileMode, FileProtocolV1, SimpleFileSystemProtocol,
};
use uefi_raw::protocol::loaded_image::LoadedImageProtocol;
use uefi_raw::protocol::rng::RngProtocol;
use uefi_raw::table::boot::{AllocateType, BootServices, MemoryDescriptor, MemoryType};
use uefi_raw::table::system::SystemTable;
use uefi_raw::{Guid, Handle, Status};

use uefi_loader::PAGE_LEN;
use uefi_loader::memory::{Entry, Range, Use};

/// The system table; null before the firmware has entered, and after boot services have ended.
static TABLE: AtomicPtr<SystemTable> = AtomicPtr::new(ptr::null_mut());
/// Our own handle.
static IMAGE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// What a call to the firmware gives.
pub type Result<T> = core::result::Result<T, Status>;

/// Takes note of what the firmware passes to a program (UEFI, section 4.1).
///
/// # Safety
///
/// The two are what it passed, and boot services have not ended.
pub unsafe fn enter(image: Handle, table: *mut SystemTable) {
    IMAGE.store(image, Ordering::Relaxed);
    TABLE.store(table, Ordering::Relaxed);
}

fn table() -> Option<&'static SystemTable> {
    // SAFETY: `enter`'s caller has promised that it is one, and `end` takes it away.
    unsafe { TABLE.load(Ordering::Relaxed).as_ref() }
}

fn services() -> Result<&'static BootServices> {
    let table = table().ok_or(Status::UNSUPPORTED)?;
    // SAFETY: a system table has boot services until they end.
    unsafe { table.boot_services.as_ref() }.ok_or(Status::UNSUPPORTED)
}

fn image() -> Handle {
    IMAGE.load(Ordering::Relaxed)
}

fn check(status: Status) -> Result<()> {
    match status.is_success() {
        true => Ok(()),
        false => Err(status),
    }
}

/// Writes a line to the firmware's console, if there is one.
pub fn say(text: fmt::Arguments<'_>) {
    let _ = write!(Console, "{text}\r\n");
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let output = table().ok_or(fmt::Error)?.stdout;
        let mut units = text.encode_utf16();
        loop {
            // In pieces, each with a zero behind it.
            let mut piece = [0u16; 65];
            let mut len = 0;
            for (slot, unit) in piece[..64].iter_mut().zip(&mut units) {
                *slot = unit;
                len += 1;
            }
            if len == 0 {
                return Ok(());
            }
            // SAFETY: a console that is there is one until boot services end; the text ends with a zero.
            let status = unsafe {
                let Some(console) = output.as_ref() else {
                    return Err(fmt::Error);
                };
                (console.output_string)(output, piece.as_ptr())
            };
            check(status).map_err(|_| fmt::Error)?;
        }
    }
}

/// The firmware's pools as Rust's allocator.
struct Pools;

#[global_allocator]
static ALLOCATOR: Pools = Pools;

/// What pools are aligned to (UEFI, section 7.2.4).
const POOL_ALIGNMENT: usize = 8;

// SAFETY: a pool's memory belongs to nobody else until it is freed. What is aligned to more than a pool is lies in a larger one, and
// right before it stands where that begins.
unsafe impl GlobalAlloc for Pools {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Ok(services) = services() else {
            return ptr::null_mut();
        };
        let extra = match layout.align() {
            0..=POOL_ALIGNMENT => 0,
            more => more,
        };
        let mut pool = ptr::null_mut();
        // SAFETY: boot services are there; it writes to a place of ours.
        let status = unsafe {
            (services.allocate_pool)(MemoryType::LOADER_DATA, layout.size() + extra, &mut pool)
        };
        if !status.is_success() || extra == 0 {
            return pool;
        }
        // At least 8 bytes on, and at most `extra`, both being multiples of 8.
        // SAFETY: so both the word and the memory lie in the pool.
        unsafe {
            let start = pool.add(extra - pool.addr() % extra);
            start.cast::<*mut u8>().sub(1).write(pool);
            start
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // After the end, nobody takes it back.
        let Ok(services) = services() else { return };
        // SAFETY: it was allocated by `alloc` with the same layout.
        unsafe {
            let pool = match layout.align() {
                0..=POOL_ALIGNMENT => memory,
                _ => memory.cast::<*mut u8>().sub(1).read(),
            };
            let _ = (services.free_pool)(pool);
        }
    }
}

/// The address of one of the tables that firmware leaves for systems.
pub fn configuration_table(wanted: Guid) -> Option<*const u8> {
    let table = table()?;
    let entries = table.configuration_table;
    if entries.is_null() {
        return None;
    }
    // SAFETY: the system table tells how many there are.
    let entries = unsafe {
        core::slice::from_raw_parts(entries, table.number_of_configuration_table_entries)
    };
    let found = entries.iter().find(|entry| entry.vendor_guid == wanted)?;
    (!found.vendor_table.is_null()).then_some(found.vendor_table.cast())
}

/// A protocol of a handle, valid until boot services end.
fn protocol<T>(handle: Handle, guid: &Guid) -> Result<*mut T> {
    let mut found = ptr::null_mut();
    // SAFETY: boot services are there; it reads the GUID and writes to a place of ours.
    check(unsafe { (services()?.handle_protocol)(handle, guid, &mut found) })?;
    match found.is_null() {
        true => Err(Status::UNSUPPORTED),
        false => Ok(found.cast()),
    }
}

/// How the firmware started us.
fn loaded_image() -> Result<LoadedImageProtocol> {
    let loaded = protocol::<LoadedImageProtocol>(image(), &LoadedImageProtocol::GUID)?;
    // SAFETY: the protocol of that name is one of that type.
    Ok(unsafe { loaded.read() })
}

/// What whoever started us passed along, as far as it is text.
pub fn load_options() -> String {
    let Ok(loaded) = loaded_image() else {
        return String::new();
    };
    let len = loaded.load_options_size as usize / 2;
    if loaded.load_options.is_null() {
        return String::new();
    }
    // SAFETY: so many bytes lie there. They need not be aligned.
    let units =
        (0..len).map(|at| unsafe { loaded.load_options.cast::<u16>().add(at).read_unaligned() });
    let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// A file or a folder that is open.
pub struct File(*mut FileProtocolV1);

impl File {
    /// The root of the file system that this program comes from.
    pub fn root() -> Result<File> {
        let device = loaded_image()?.device_handle;
        let files = protocol::<SimpleFileSystemProtocol>(device, &SimpleFileSystemProtocol::GUID)?;
        let mut root = ptr::null_mut();
        // SAFETY: the protocol of that name is one of that type; it writes to a place of ours.
        check(unsafe { ((*files).open_volume)(files, &mut root) })?;
        Ok(File(root))
    }

    /// Opens a file in this folder to read it, if it is there.
    pub fn open(&self, name: &str) -> Result<Option<File>> {
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let mut file = ptr::null_mut();
        // SAFETY: the folder is open; the name ends with a zero.
        let status = unsafe {
            ((*self.0).open)(
                self.0,
                &mut file,
                name.as_ptr(),
                FileMode::READ,
                FileAttribute::empty(),
            )
        };
        if status == Status::NOT_FOUND {
            return Ok(None);
        }
        check(status)?;
        Ok(Some(File(file)))
    }

    /// How long it is.
    pub fn len(&self) -> Result<u64> {
        // Room for a name of 255 characters behind it, and aligned.
        let mut buffer = [0u64; 80];
        let mut len = size_of_val(&buffer);
        // SAFETY: the file is open, and the buffer is as long as is said.
        check(unsafe {
            ((*self.0).get_info)(self.0, &FileInfo::ID, &mut len, buffer.as_mut_ptr().cast())
        })?;
        // SAFETY: it was filled in, and is longer than the structure; its fields may be anything.
        let info = unsafe { &*buffer.as_ptr().cast::<FileInfo>() };
        match info.attribute.contains(FileAttribute::DIRECTORY) {
            true => Err(Status::INVALID_PARAMETER),
            false => Ok(info.file_size),
        }
    }

    /// Fills a buffer with the file's next bytes. Fails if there are fewer.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        // Some firmware cannot read much at once.
        for piece in buffer.chunks_mut(1 << 20) {
            let mut len = piece.len();
            // SAFETY: the file is open, and the buffer is as long as is said.
            check(unsafe { ((*self.0).read)(self.0, &mut len, piece.as_mut_ptr().cast()) })?;
            if len < piece.len() {
                return Err(Status::END_OF_FILE);
            }
        }
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody uses it after.
        let _ = unsafe { ((*self.0).close)(self.0) };
    }
}

/// Fills a buffer with random bytes, if the firmware makes some.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    let mut generator = ptr::null_mut();
    // SAFETY: boot services are there; they read the GUID and write to places of ours.
    unsafe {
        check((services()?.locate_protocol)(
            &RngProtocol::GUID,
            ptr::null(),
            &mut generator,
        ))?;
        let generator = generator.cast::<RngProtocol>();
        check(((*generator).get_rng)(
            generator,
            ptr::null(),
            buffer.len(),
            buffer.as_mut_ptr(),
        ))
    }
}

/// Whole pages of memory, at an address or anywhere. They are zero, and stay.
pub fn allocate(place: Option<u64>, len: u64) -> Result<&'static mut [u8]> {
    let pages = len.div_ceil(PAGE_LEN) as usize;
    let (kind, mut address) = match place {
        Some(address) => (AllocateType::ADDRESS, address),
        None => (AllocateType::ANY_PAGES, 0),
    };
    // SAFETY: boot services are there; they write to a place of ours.
    check(unsafe {
        (services()?.allocate_pages)(kind, MemoryType::LOADER_DATA, pages, &mut address)
    })?;
    // The page at address 0 can be had, but a reference to it cannot.
    if address == 0 {
        return Err(Status::OUT_OF_RESOURCES);
    }
    let memory = address as usize as *mut u8;
    let bytes = pages * PAGE_LEN as usize;
    // SAFETY: the pages were given to us just now, for good, and firmware maps memory to its own addresses.
    unsafe {
        memory.write_bytes(0, bytes);
        Ok(core::slice::from_raw_parts_mut(memory, bytes))
    }
}

/// The memory map, as it was at one moment.
pub struct Map {
    /// Words, so that entries are aligned.
    buffer: Vec<u64>,
    entry_len: usize,
    entries: usize,
    key: usize,
}

impl Map {
    /// With room for what may come to be until it is filled in.
    fn with_room() -> Map {
        Map {
            buffer: alloc::vec![0; 8192],
            entry_len: size_of::<MemoryDescriptor>(),
            entries: 0,
            key: 0,
        }
    }

    /// The map as it is now.
    pub fn now() -> Result<Map> {
        let mut map = Map::with_room();
        map.fill()?;
        Ok(map)
    }

    /// Allocates nothing, which would change the map.
    fn fill(&mut self) -> Result<()> {
        let mut len = size_of_val(&self.buffer[..]);
        let mut version = 0;
        // SAFETY: boot services are there; the buffer is as long as is said.
        check(unsafe {
            (services()?.get_memory_map)(
                &mut len,
                self.buffer.as_mut_ptr().cast(),
                &mut self.key,
                &mut self.entry_len,
                &mut version,
            )
        })?;
        // Later versions of an entry are longer, and begin like ours.
        if self.entry_len < size_of::<MemoryDescriptor>() {
            return Err(Status::INCOMPATIBLE_VERSION);
        }
        self.entries = len / self.entry_len;
        Ok(())
    }

    /// What it says.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + Clone + '_ {
        (0..self.entries).map(|index| {
            let start = self.buffer.as_ptr().cast::<u8>();
            // SAFETY: it lies in what was filled in.
            let descriptor = unsafe {
                start
                    .add(index * self.entry_len)
                    .cast::<MemoryDescriptor>()
                    .read_unaligned()
            };
            entry(&descriptor)
        })
    }
}

/// What an entry is to us (UEFI, section 7.2, "Memory Type Usage after ExitBootServices").
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

/// Ends boot services. From then on the machine is ours but for what the map says, and nothing of this module works any more.
///
/// # Safety
///
/// Nothing of the firmware's is open or referred to.
pub unsafe fn end() -> Result<Map> {
    let mut map = Map::with_room();
    let services = services()?;
    let mut ended = Err(Status::ABORTED);
    // What runs beside us in the firmware may change the map after we have asked; then we have to ask again (UEFI, section 7.4.6).
    for _ in 0..4 {
        map.fill()?;
        // SAFETY: the caller's promise.
        ended = check(unsafe { (services.exit_boot_services)(image(), map.key) });
        if ended.is_ok() {
            TABLE.store(ptr::null_mut(), Ordering::Relaxed);
            break;
        }
    }
    ended.map(|()| map)
}
