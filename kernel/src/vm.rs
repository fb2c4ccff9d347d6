//! Folios and mappings: what a process sees at which address.

use abi::{Error, Handle, Isolation, PAGE_SIZE, Result, Rights};

use crate::arch::{PageTable, Permission};
use crate::kernel::{CPUS_MAX, Kernel};
use crate::memory::{Id, PhysAddr, Regions};
use crate::object::{
    Backing, Device, Folio, Mapping, Object, Process, Purpose, Space, Zeroing, mapping,
};

/// Largest contiguous folio: 2^8 pages.
const CONTIGUOUS_ORDER_MAX: usize = 8;
/// Pages of it that one call zeroes.
const ZERO_STEP: usize = 16;
/// Pages that one entry maps or unmaps.
const STEP_PAGES: usize = 512;
/// Mappings that one step of a process's end cuts off.
const UNLINK_STEP: usize = 16;
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
        let folio = match flags & abi::call::FOLIO_CONTIGUOUS {
            0 => self.new_folio(Some(process), pages, false)?,
            _ => self.contiguous_step(process, pages)?,
        };
        Ok(self
            .add_handle(process, Object::Folio(folio), Rights::ALL)?
            .raw() as usize)
    }

    /// One step of making a contiguous folio: `Again` until all of it is zeroed. A process makes one at
    /// a time; who asks for one of another size meanwhile moves the first one on.
    fn contiguous_step(&mut self, process: Id<Process>, pages: usize) -> Result<Id<Folio>> {
        if pages == 0 || pages > 1 << CONTIGUOUS_ORDER_MAX {
            return Err(Error::InvalidArgument);
        }
        let pages = pages.next_power_of_two();
        self.folios
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let other = |zeroing: &Zeroing| zeroing.pages != pages;
        if let Some(zeroing) = self.processes[process].zeroing.filter(other)
            && zeroing.done == zeroing.pages
        {
            // Nobody has come for it.
            self.processes[process].zeroing = None;
            self.memory.free(zeroing.block);
            self.uncharge(Some(process), zeroing.pages);
        }
        let mut zeroing = match self.processes[process].zeroing {
            Some(zeroing) => zeroing,
            None => {
                self.charge(process, pages)?;
                match self.memory.allocate(pages.trailing_zeros() as usize) {
                    Ok(block) => Zeroing {
                        block,
                        pages,
                        done: 0,
                    },
                    Err(error) => {
                        self.uncharge(Some(process), pages);
                        return Err(error);
                    }
                }
            }
        };
        let step = ZERO_STEP.min(zeroing.pages - zeroing.done);
        let from = zeroing.block.offset(zeroing.done * PAGE_SIZE);
        self.memory.zero(from, step * PAGE_SIZE);
        zeroing.done += step;
        if zeroing.done < zeroing.pages || other(&zeroing) {
            self.processes[process].zeroing = Some(zeroing);
            return Err(Error::Again);
        }
        self.processes[process].zeroing = None;
        Ok(self.insert_folio(Some(process), Backing::Block(zeroing.block), pages))
    }

    /// A folio of zeroed pages with one reference, charged to a process. A contiguous one is zeroed
    /// at once, so it must be small.
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
        Ok(self.insert_folio(process, backing, pages))
    }

    /// Makes a folio of memory that was charged. There must be room in the slab.
    fn insert_folio(
        &mut self,
        charged_to: Option<Id<Process>>,
        backing: Backing,
        pages: usize,
    ) -> Id<Folio> {
        let touched = matches!(backing, Backing::Block(_));
        self.folios.insert(Folio {
            backing,
            pages: pages as u32,
            untouched: if touched { 0 } else { pages as u32 },
            lent: 0,
            table_frames: if touched { 0 } else { 1 },
            charged_to,
            references: 1,
            immutable: false,
            device: None,
            next_dead: None,
            freed_pages: 0,
        })
    }

    /// A folio over memory that is not its own: the boot archive, or a device's registers.
    pub fn new_fixed_folio(
        &mut self,
        base: PhysAddr,
        len: usize,
        device: Option<(Id<Device>, u8)>,
    ) -> Result<Id<Folio>> {
        self.folios
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        Ok(self.folios.insert(Folio {
            backing: Backing::Fixed(base),
            pages: len.div_ceil(PAGE_SIZE) as u32,
            untouched: 0,
            lent: 0,
            table_frames: 0,
            charged_to: None,
            references: 1,
            immutable: device.is_none(),
            device,
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
        let addresses = Regions::footprint(len);
        self.charge_addresses(process, addresses)?;
        let tables = PageTable::leaf_tables(pages);
        if let Err(error) = self.charge(process, tables) {
            self.processes[process].addresses -= addresses;
            return Err(error);
        }
        let space = &mut self.spaces[self.processes[process].space];
        let Some(address) = space.regions.allocate(&self.memory.machine, len) else {
            self.processes[process].addresses -= addresses;
            self.uncharge(Some(process), tables);
            return Err(Error::OutOfAddresses);
        };
        if let Err(error) = self.prepare_tables(process, address, pages) {
            self.release_range(process, address, len);
            return Err(error);
        }
        Ok(address)
    }

    /// Makes the page tables of a range. Those above the last level stay until the address space
    /// goes, and are charged until then.
    fn prepare_tables(&mut self, process: Id<Process>, address: usize, pages: usize) -> Result<()> {
        let space = self.processes[process].space;
        let missing = self.spaces[space]
            .table
            .missing_upper(&self.memory, address, pages);
        if missing > 0 {
            self.charge(process, missing)?;
        }
        let table = &mut self.spaces[space].table;
        let result = table.prepare(&mut self.memory, address, pages);
        let mut made = missing;
        if result.is_err() {
            // Memory ran out before, between or after them.
            let still_missing = table.missing_upper(&self.memory, address, pages);
            self.uncharge(Some(process), still_missing);
            made -= still_missing;
        }
        self.processes[process].space_pages += made;
        result
    }

    /// The reverse of [`Kernel::reserve_range`]: nothing is mapped there any more, and every
    /// CPU knows.
    pub fn release_range(&mut self, process: Id<Process>, address: usize, len: usize) {
        let pages = len.div_ceil(PAGE_SIZE);
        let seen_by = self.cpus_in(self.processes[process].space);
        let space = &mut self.spaces[self.processes[process].space];
        space
            .table
            .release(&mut self.memory, address, pages, seen_by);
        space.regions.free(&self.memory.machine, address, len);
        self.processes[process].addresses -= Regions::footprint(len);
        self.uncharge(Some(process), PageTable::leaf_tables(pages));
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
        let permission = request.permission;
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
        let mapping = self.mappings.insert(Mapping {
            address,
            pages: request.pages,
            folio: request.folio,
            first_page: request.first_page,
            permission,
            revoked: false,
            purpose: request.purpose,
            region,
            node: Default::default(),
        });
        let root = &mut self.processes[process].mappings;
        mapping::insert(&mut self.mappings, root, mapping);
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
        mapping::find(&self.mappings, self.processes[process].mappings, address)
    }

    /// The first mapping that begins above an address.
    pub fn mapping_above(&self, process: Id<Process>, address: usize) -> Option<Id<Mapping>> {
        mapping::above(&self.mappings, self.processes[process].mappings, address)
    }

    /// A process's mappings in the order of their addresses.
    pub fn mappings_of(&self, process: Id<Process>) -> impl Iterator<Item = Id<Mapping>> + '_ {
        let first = self.mapping_above(process, 0);
        core::iter::successors(first, move |&id| {
            self.mapping_above(process, self.mappings[id].address)
        })
    }

    /// Takes some pages off the end of a mapping; true when nothing of it is left.
    pub fn unmap_step(&mut self, process: Id<Process>, id: Id<Mapping>, cpu: usize) -> bool {
        let space = self.processes[process].space;
        let seen_by = self.cpus_in(space);
        let mapping = &mut self.mappings[id];
        if self.processes[process].unlinked_below != usize::MAX {
            let from = mapping.pages.saturating_sub(STEP_PAGES);
            let table = &mut self.spaces[space].table;
            for page in from..mapping.pages {
                table.unmap(&self.memory, mapping.address + page * PAGE_SIZE);
            }
            let (start, count) = (mapping.address + from * PAGE_SIZE, mapping.pages - from);
            mapping.pages = from;
            // Before any frame can be used again, every CPU forgets where it was seen (rule 11).
            table.flush(&self.memory.machine, start, count, seen_by);
            if from > 0 {
                return false;
            }
        }
        mapping::remove(
            &mut self.mappings,
            &mut self.processes[process].mappings,
            id,
        );
        let mapping = self.mappings.remove(id).expect("it was found a moment ago");
        if let Some((device, which)) = self.folios[mapping.folio].device {
            let slot = &mut self.devices[device].mapped[which as usize];
            slot.take_if(|(_, mapped)| *mapped == id);
        }
        if let Some((address, len)) = mapping.region {
            self.release_range(process, address, len);
        }
        self.release(Object::Folio(mapping.folio), cpu);
        true
    }

    /// Lets nothing be seen any more in a mapping of a device's registers, whose addresses stay taken.
    pub fn revoke_mapping(&mut self, process: Id<Process>, id: Id<Mapping>) {
        let seen_by = self.cpus_in(self.processes[process].space);
        let mapping = &mut self.mappings[id];
        mapping.revoked = true;
        let table = &mut self.spaces[self.processes[process].space].table;
        for page in 0..mapping.pages {
            table.unmap(&self.memory, mapping.address + page * PAGE_SIZE);
        }
        table.flush(
            &self.memory.machine,
            mapping.address,
            mapping.pages,
            seen_by,
        );
    }

    /// Cuts all that a dead process could see off from its address space, before any of it is given back:
    /// then CPUs are told once, and not for each part. True when that is done.
    pub fn unlink_step(&mut self, id: Id<Process>) -> bool {
        let space = self.processes[id].space;
        for _ in 0..UNLINK_STEP {
            let below = self.processes[id].unlinked_below;
            if below == usize::MAX {
                return true;
            }
            // The first one lies above 0 as all others do.
            let Some(mapping) = self.mapping_above(id, below) else {
                let seen_by = self.cpus_in(space);
                let table = &self.spaces[space].table;
                table.flush_all(&self.memory.machine, seen_by);
                self.processes[id].unlinked_below = usize::MAX;
                return false;
            };
            let Mapping { address, pages, .. } = self.mappings[mapping];
            let table = &mut self.spaces[space].table;
            table.unlink(&mut self.memory, address, pages);
            self.processes[id].unlinked_below = address;
        }
        false
    }

    /// The CPUs that can see into an address space now, bit n for CPU n.
    fn cpus_in(&self, space: Id<Space>) -> u32 {
        if space == self.kernel_space {
            return u32::MAX;
        }
        let loaded = |cpu: &usize| self.cpus[*cpu].active_space == Some(space);
        (0..CPUS_MAX)
            .filter(loaded)
            .fold(0, |mask, cpu| mask | 1 << cpu)
    }
}
