//! Loading component images.
//!
//! An image is a position-independent ELF file inside a folio that nobody can write any more
//! (the boot archive), so what was checked stays as it was. Loading goes in steps, one per call:
//! gather pages, fill in addresses, map. Addresses are only filled in where the component may write, so the
//! pages of code and constants are the archive's own, which all who run the image see. Where an image does not lie on
//! whole pages they are copied. No page is ever writable and executable: the archive cannot be written, code is copied
//! into code frames through the kernel (rule 13), and what is mapped gets its final permission
//! at once.

use abi::{Error, Handle, PAGE_SIZE, ProcessState, Result, Rights};
use elf_image::{Image, Segment};

use crate::arch::{IMAGE_MACHINE, Permission};
use crate::kernel::Kernel;
use crate::memory::{Id, PhysAddr};
use crate::object::{Backing, LoadStage, Object, Origin, Page, Process, Purpose};
use crate::vm::MapRequest;

/// What one step may cost, in pages that are copied; so many of the archive's pages cost as much as one.
const GATHER_STEP: usize = 32;
const LENT_FOR_ONE: usize = 8;
/// Addresses filled in in one step.
const RELOCATE_STEP: usize = 1024;
/// What is around code that does not fill its page.
static ZEROS: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

impl Kernel {
    /// [`abi::Call::ProcessLoad`].
    pub fn process_load(
        &mut self,
        caller: Id<Process>,
        target: Handle,
        folio: Handle,
        offset: usize,
        len: usize,
    ) -> Result<usize> {
        let target = self.managed_process(caller, target)?;
        let needed = Rights::READ.union(Rights::EXECUTE);
        let Object::Folio(folio) = self.lookup(caller, folio, needed)?.object else {
            return Err(Error::WrongKind);
        };
        let folio = &self.folios[folio];
        let Backing::Fixed(base) = folio.backing else {
            return Err(Error::BadImage);
        };
        if !folio.immutable {
            return Err(Error::BadImage);
        }
        let end = offset.checked_add(len).ok_or(Error::InvalidArgument)?;
        if end > folio.pages as usize * PAGE_SIZE {
            return Err(Error::InvalidArgument);
        }
        match self.load_step(target, base.offset(offset), len)? {
            true => Ok(0),
            false => Err(Error::Again),
        }
    }

    /// One step of loading the image at `base`, memory that never changes; true when it is done.
    pub fn load_step(&mut self, id: Id<Process>, base: PhysAddr, len: usize) -> Result<bool> {
        if self.processes[id].state != ProcessState::New {
            return Err(Error::InvalidArgument);
        }
        if len == 0 {
            return Err(Error::BadImage);
        }
        // SAFETY: callers vouch that the memory is there and that nobody can write it.
        let bytes = unsafe { core::slice::from_raw_parts(self.memory.machine.memory(base), len) };
        let image = Image::parse(bytes, IMAGE_MACHINE).map_err(|_| Error::BadImage)?;
        let mut stage = self.processes[id].load.stage;
        // Sizes were taken from the image that loading began with.
        if stage != LoadStage::Empty && self.processes[id].load.source != (base, len) {
            return Err(Error::InvalidArgument);
        }
        loop {
            match stage {
                LoadStage::Empty => {
                    self.load_begin(id, &image)?;
                    self.processes[id].load.source = (base, len);
                    return Ok(false);
                }
                LoadStage::Gather => self.load_gather(id, &image)?,
                LoadStage::Relocate => self.load_relocate(id, &image)?,
                LoadStage::Map => self.load_map(id, &image)?,
                LoadStage::Done => return Err(Error::AlreadyExists),
            }
            // A stage that is done is followed by the next: the end of one and the beginning of another are still a short
            // step, and each step reads the image's head again.
            match self.processes[id].load.stage {
                LoadStage::Done => return Ok(true),
                same if same == stage => return Ok(false),
                next => stage = next,
            }
        }
    }

    fn load_begin(&mut self, id: Id<Process>, image: &Image<'_>) -> Result<()> {
        let len = image.memory_len() as usize;
        let base = self.reserve_range(id, len)?;
        let folio = match self.new_folio(Some(id), len / PAGE_SIZE, false) {
            Ok(folio) => folio,
            Err(error) => {
                self.release_range(id, base, len);
                return Err(error);
            }
        };
        let load = &mut self.processes[id].load;
        load.stage = LoadStage::Gather;
        load.folio = Some(folio);
        (load.base, load.len) = (base, len);
        load.entry = base + image.entry() as usize;
        Ok(())
    }

    fn load_gather(&mut self, id: Id<Process>, image: &Image<'_>) -> Result<()> {
        let folio = self.processes[id]
            .load
            .folio
            .expect("set when loading began");
        let pages = self.processes[id].load.len / PAGE_SIZE;
        let mut last = None;
        let mut cost = 0;
        while cost < GATHER_STEP * LENT_FOR_ONE {
            let index = self.processes[id].load.progress;
            if index == pages {
                let load = &mut self.processes[id].load;
                (load.stage, load.progress) = (LoadStage::Relocate, 0);
                return Ok(());
            }
            let address = (index * PAGE_SIZE) as u64;
            let holds = |segment: &Segment| segment.pages().contains(&address);
            // Segments share no page, and most pages are in the one that the page before was in. Most pages of a hole
            // belong to none.
            last = last.filter(holds).or_else(|| image.segments().find(holds));
            cost += match &last {
                Some(segment) if self.lend_page(id, index, image, segment) => 1,
                Some(segment) => {
                    self.load_page(folio, index, image, segment)?;
                    LENT_FOR_ONE
                }
                None => 1,
            };
            self.processes[id].load.progress += 1;
        }
        Ok(())
    }

    /// Takes a page of the archive as it lies there, if the file has a whole page of what is never written. Nobody is
    /// charged for it.
    fn lend_page(
        &mut self,
        id: Id<Process>,
        index: usize,
        image: &Image<'_>,
        segment: &Segment,
    ) -> bool {
        let load = &self.processes[id].load;
        let (base, _) = load.source;
        let folio = load.folio.expect("set when loading began");
        let Some(place) = image.page_in_file(segment, (index * PAGE_SIZE) as u64) else {
            return false;
        };
        let frame = base.offset(place);
        let end = frame.offset(PAGE_SIZE).0;
        let is_archive = self.archive.start <= frame.0 && end <= self.archive.end;
        if segment.writable || frame != frame.frame() || !is_archive {
            return false;
        }
        if segment.executable {
            self.memory.machine.show_code(frame);
        }
        // The page was promised as one of its own.
        self.memory.unreserve(1);
        self.uncharge(Some(id), 1);
        let page = Page {
            frame,
            origin: Origin::Fixed,
        };
        self.folios[folio].untouched -= 1;
        self.folios[folio].lent += 1;
        self.folios[folio].set_page(&mut self.memory, index, page);
        true
    }

    fn load_page(
        &mut self,
        folio: Id<crate::object::Folio>,
        index: usize,
        image: &Image<'_>,
        segment: &Segment,
    ) -> Result<()> {
        let address = (index * PAGE_SIZE) as u64;
        let content = image.content(segment);
        // The part of this page that the file gives: [from, to) of the segment's bytes.
        let from = address.saturating_sub(segment.vaddr) as usize;
        let skip = segment.vaddr.saturating_sub(address) as usize;
        let to = content.len().min(from + PAGE_SIZE - skip);
        let bytes = content.get(from..to).unwrap_or(&[]);
        if segment.executable {
            return self.load_code_page(folio, index, skip, bytes);
        }
        // A page of zeros is made by its first touch.
        if !bytes.is_empty() {
            let page = self.folios[folio].touch(&mut self.memory, index);
            let to = self.memory.machine.memory(page.frame.offset(skip));
            // SAFETY: the frame belongs to the new image, which nobody sees yet, and
            // `skip + bytes.len()` is at most a page.
            unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
        Ok(())
    }

    fn load_code_page(
        &mut self,
        folio: Id<crate::object::Folio>,
        index: usize,
        skip: usize,
        bytes: &[u8],
    ) -> Result<()> {
        let memory = &mut self.memory;
        let frame = memory
            .code
            .allocate(&memory.machine, &mut memory.frames)
            .ok_or(Error::OutOfMemory)?;
        // The page was promised as an ordinary one; the pool gave it instead.
        memory.unreserve(1);
        self.folios[folio].untouched -= 1;
        // Whoever had the frame before must not be seen around them.
        let end = skip + bytes.len();
        memory.machine.write_code(frame, &ZEROS[..skip]);
        memory.machine.write_code(frame.offset(skip), bytes);
        memory.machine.write_code(frame.offset(end), &ZEROS[end..]);
        let page = Page {
            frame,
            origin: Origin::CodePool,
        };
        self.folios[folio].set_page(memory, index, page);
        Ok(())
    }

    fn load_relocate(&mut self, id: Id<Process>, image: &Image<'_>) -> Result<()> {
        let load = self.processes[id].load;
        let folio = load.folio.expect("set when loading began");
        let count = image.relocation_count();
        let step = load.progress..count.min(load.progress + RELOCATE_STEP);
        // They are in order, so most lie in the same page as the one before.
        let mut last = None;
        for relocation in image.relocations(step) {
            let relocation = relocation.map_err(|_| Error::BadImage)?;
            let value = (load.base as u64).wrapping_add(relocation.addend);
            let offset = relocation.offset as usize;
            let index = offset / PAGE_SIZE;
            let page = match last {
                Some((last, page)) if last == index => page,
                _ => self.folios[folio].touch(&mut self.memory, index),
            };
            last = Some((index, page));
            // It lies where the component may write, so the page is its own.
            let at = page.frame.offset(offset % PAGE_SIZE);
            self.memory.write_u64(at, value);
        }
        self.processes[id].load.progress = load.progress + RELOCATE_STEP;
        if load.progress + RELOCATE_STEP >= count {
            let load = &mut self.processes[id].load;
            (load.stage, load.progress) = (LoadStage::Map, 0);
        }
        Ok(())
    }

    fn load_map(&mut self, id: Id<Process>, image: &Image<'_>) -> Result<()> {
        let load = self.processes[id].load;
        let folio = load.folio.expect("set when loading began");
        // `progress` counts the segments that are mapped, so that running out of memory in the
        // middle leaves nothing half done: the next call goes on there.
        for (number, segment) in image.segments().enumerate().skip(load.progress) {
            let pages = segment.pages();
            let permission = match (segment.writable, segment.executable) {
                (false, false) => Permission::Read,
                (true, false) => Permission::ReadWrite,
                (false, true) => Permission::Execute,
                (true, true) => return Err(Error::BadImage),
            };
            let first_page = pages.start as usize / PAGE_SIZE;
            let request = MapRequest {
                folio,
                first_page,
                pages: (pages.end as usize / PAGE_SIZE) - first_page,
                permission,
                purpose: Purpose::Kernel,
            };
            // Mappings go from the highest down when a process ends, and segments are in ascending
            // order, so the first one is the last to go and gives the whole range back.
            let region = (number == 0).then_some((load.base, load.len));
            self.map_at(id, request, load.base + pages.start as usize, region)?;
            self.processes[id].load.progress += 1;
        }
        self.processes[id].load.stage = LoadStage::Done;
        self.memory.machine.synchronize_code();
        Ok(())
    }
}
