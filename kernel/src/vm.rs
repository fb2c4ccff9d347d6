//! Folios and mappings: what a process sees at which address.

use abi::{Error, Handle, Isolation, PAGE_SIZE, Result, Rights};

use crate::arch::Permission;
use crate::kernel::Kernel;
use crate::memory::{Id, PhysAddr};
use crate::object::{Backing, Folio, Mapping, Object, Process, Purpose};

/// Largest contiguous folio: 2^8 pages. It is zeroed in one go, so it must not be long.
const CONTIGUOUS_ORDER_MAX: usize = 8;
/// Pages that one entry maps or unmaps.
const STEP_PAGES: usize = 512;
/// Largest mapping: 64 MiB.
const MAP_PAGES_MAX: usize = 16384;

/// What a new mapping is to be.
pub struct MapRequest {
    /// What is to be seen.
    pub folio: Id<Folio>,
    /// From which of its pages on.
    pub first_page: usize,
    /// How many pages.
    pub pages: usize,
    /// What may be done there.
    pub permission: Permission,
    /// What it is for.
    pub purpose: Purpose,
}

impl Kernel {
    /// [`abi::Call::FolioCreate`].
    pub fn folio_create(
        &mut self,
        process: Id<Process>,
        len: usize,
        flags: usize,
    ) -> Result<usize> {
        if len == 0 || flags & !abi::call::FOLIO_CONTIGUOUS != 0 {
            return Err(Error::InvalidArgument);
        }
        self.reserve_process_handles(process, 1)?;
        let pages = len.div_ceil(PAGE_SIZE);
        let folio = self.new_folio(
            Some(process),
            pages,
            flags & abi::call::FOLIO_CONTIGUOUS != 0,
        )?;
        Ok(self
            .add_handle(process, Object::Folio(folio), Rights::ALL)?
            .raw() as usize)
    }

    /// A folio of zeroed pages with one reference, charged to a process.
    pub fn new_folio(
        &mut self,
        process: Option<Id<Process>>,
        pages: usize,
        contiguous: bool,
    ) -> Result<Id<Folio>> {
        if pages == 0 || pages > Folio::PAGES_MAX {
            return Err(Error::InvalidArgument);
        }
        self.folios
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let order = pages.next_power_of_two().trailing_zeros() as usize;
        if contiguous && order > CONTIGUOUS_ORDER_MAX {
            return Err(Error::InvalidArgument);
        }
        let (pages, charged) = match contiguous {
            true => (1 << order, 1 << order),
            false => (pages, pages + Folio::tables_for(pages)),
        };
        if let Some(process) = process {
            self.charge(process, charged)?;
        }
        let backing = if contiguous {
            self.memory.allocate(order).map(|block| {
                self.memory.zero(block, pages * PAGE_SIZE);
                Backing::Block(block)
            })
        } else {
            // The root table is taken now; further tables and all pages are promised.
            self.memory
                .reserve(charged)
                .map(|()| Backing::Table(self.memory.take_reserved()))
        };
        let backing = match backing {
            Ok(backing) => backing,
            Err(error) => {
                self.uncharge(process, charged);
                return Err(error);
            }
        };
        Ok(self.folios.insert(Folio {
            backing,
            pages: pages as u32,
            untouched: if contiguous { 0 } else { pages as u32 },
            table_frames: if contiguous { 0 } else { 1 },
            charged_to: process,
            references: 1,
            immutable: false,
            device_memory: false,
            next_dead: None,
            freed_pages: 0,
        }))
    }

    /// A folio over memory that is not its own: the boot archive, or a device's registers.
    pub fn new_fixed_folio(
        &mut self,
        base: PhysAddr,
        len: usize,
        device: bool,
    ) -> Result<Id<Folio>> {
        self.folios
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        Ok(self.folios.insert(Folio {
            backing: Backing::Fixed(base),
            pages: len.div_ceil(PAGE_SIZE) as u32,
            untouched: 0,
            table_frames: 0,
            charged_to: None,
            references: 1,
            immutable: !device,
            device_memory: device,
            next_dead: None,
            freed_pages: 0,
        }))
    }

    /// [`abi::Call::FolioMap`].
    pub fn folio_map(
        &mut self,
        process: Id<Process>,
        handle: Handle,
        offset: usize,
        len: usize,
        writable: usize,
    ) -> Result<usize> {
        let needed = if writable == 0 {
            Rights::READ
        } else {
            Rights::READ.union(Rights::WRITE)
        };
        let Object::Folio(folio) = self.lookup(process, handle, needed)?.object else {
            return Err(Error::WrongKind);
        };
        let size = self.folios[folio].pages as usize * PAGE_SIZE;
        let end = offset.checked_add(len).ok_or(Error::InvalidArgument)?;
        if len == 0 || end > size || !offset.is_multiple_of(PAGE_SIZE) || writable > 1 {
            return Err(Error::InvalidArgument);
        }
        if writable == 1 && self.folios[folio].immutable {
            return Err(Error::MissingRight);
        }
        let permission = if writable == 1 {
            Permission::ReadWrite
        } else {
            Permission::Read
        };
        let request = MapRequest {
            folio,
            first_page: offset / PAGE_SIZE,
            pages: len.div_ceil(PAGE_SIZE),
            permission,
            purpose: Purpose::Component,
        };
        self.map(process, request)
    }

    /// Shows part of a folio at a fresh address. Pages that the folio has are there at once,
    /// up to a bound; all others come at their first touch, which cannot fail: the page
    /// tables for them are made here.
    pub fn map(&mut self, process: Id<Process>, request: MapRequest) -> Result<usize> {
        if request.pages > MAP_PAGES_MAX {
            return Err(Error::InvalidArgument);
        }
        let address = self.reserve_range(process, request.pages * PAGE_SIZE)?;
        let region = Some((address, request.pages * PAGE_SIZE));
        match self.map_at(process, request, address, region) {
            Ok(()) => Ok(address),
            Err(error) => {
                self.release_range(process, address, region.map_or(0, |(_, len)| len));
                Err(error)
            }
        }
    }

    /// Takes a range of addresses and makes its page tables.
    pub fn reserve_range(&mut self, process: Id<Process>, len: usize) -> Result<usize> {
        let pages = len.div_ceil(PAGE_SIZE);
        let tables = crate::arch::PageTable::leaf_tables(pages);
        self.charge(process, tables)?;
        let space = &mut self.spaces[self.processes[process].space];
        let Some(address) = space.regions.allocate(&self.memory.machine, len) else {
            self.uncharge(Some(process), tables);
            return Err(Error::OutOfAddresses);
        };
        if let Err(error) = space.table.prepare(&mut self.memory, address, pages) {
            self.release_range(process, address, len);
            return Err(error);
        }
        Ok(address)
    }

    /// The reverse of [`Kernel::reserve_range`]: nothing is mapped there any more, and every
    /// CPU knows.
    pub fn release_range(&mut self, process: Id<Process>, address: usize, len: usize) {
        let pages = len.div_ceil(PAGE_SIZE);
        let space = &mut self.spaces[self.processes[process].space];
        space.table.release(&mut self.memory, address, pages);
        space.regions.free(&self.memory.machine, address, len);
        self.uncharge(Some(process), crate::arch::PageTable::leaf_tables(pages));
    }

    /// Shows part of a folio in a range that was reserved.
    pub fn map_at(
        &mut self,
        process: Id<Process>,
        request: MapRequest,
        address: usize,
        region: Option<(usize, usize)>,
    ) -> Result<()> {
        self.mappings
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let user = self.processes[process].isolation == Isolation::User;
        let space = &mut self.spaces[self.processes[process].space];
        let folio = &mut self.folios[request.folio];
        let permission = match folio.device_memory {
            true => Permission::Device,
            false => request.permission,
        };
        for i in 0..request.pages.min(STEP_PAGES) {
            if let Some(page) = folio.page(&self.memory, request.first_page + i) {
                space.table.map(
                    &self.memory,
                    address + i * PAGE_SIZE,
                    page.frame,
                    permission,
                    user,
                );
            }
        }
        folio.references += 1;
        let next = self.processes[process].mappings;
        self.processes[process].mappings = Some(self.mappings.insert(Mapping {
            address,
            pages: request.pages,
            folio: request.folio,
            first_page: request.first_page,
            permission,
            purpose: request.purpose,
            region,
            next,
        }));
        Ok(())
    }

    /// [`abi::Call::FolioUnmap`]: a large mapping goes in several calls.
    pub fn folio_unmap(
        &mut self,
        process: Id<Process>,
        address: usize,
        cpu: usize,
    ) -> Result<usize> {
        let mapping = self
            .mapping_at(process, address)
            .filter(|&id| {
                self.mappings[id].address == address
                    && self.mappings[id].purpose == Purpose::Component
            })
            .ok_or(Error::NotFound)?;
        match self.unmap_step(process, mapping, cpu) {
            true => Ok(0),
            false => Err(Error::Again),
        }
    }

    /// The mapping that an address lies in.
    pub fn mapping_at(&self, process: Id<Process>, address: usize) -> Option<Id<Mapping>> {
        let mut next = self.processes[process].mappings;
        while let Some(id) = next {
            let mapping = &self.mappings[id];
            if address.wrapping_sub(mapping.address) < mapping.pages * PAGE_SIZE {
                return Some(id);
            }
            next = mapping.next;
        }
        None
    }

    /// Takes some pages off the end of a mapping; true when nothing of it is left.
    pub fn unmap_step(&mut self, process: Id<Process>, id: Id<Mapping>, cpu: usize) -> bool {
        let space = self.processes[process].space;
        let mapping = &mut self.mappings[id];
        let from = mapping.pages.saturating_sub(STEP_PAGES);
        let table = &mut self.spaces[space].table;
        for page in from..mapping.pages {
            table.unmap(&self.memory, mapping.address + page * PAGE_SIZE);
        }
        let (start, count) = (mapping.address + from * PAGE_SIZE, mapping.pages - from);
        mapping.pages = from;
        // Before any frame can be used again, every CPU forgets where it was seen (rule 11).
        table.flush(&self.memory.machine, start, count);
        if from > 0 {
            return false;
        }
        self.unlink_mapping(process, id);
        let mapping = self.mappings.remove(id).expect("it was found a moment ago");
        if let Some((address, len)) = mapping.region {
            self.release_range(process, address, len);
        }
        self.release(Object::Folio(mapping.folio), cpu);
        true
    }

    fn unlink_mapping(&mut self, process: Id<Process>, id: Id<Mapping>) {
        let after = self.mappings[id].next;
        if self.processes[process].mappings == Some(id) {
            self.processes[process].mappings = after;
            return;
        }
        let mut previous = self.processes[process]
            .mappings
            .expect("the mapping is on the list");
        while self.mappings[previous].next != Some(id) {
            previous = self.mappings[previous]
                .next
                .expect("the mapping is on the list");
        }
        self.mappings[previous].next = after;
    }
}
