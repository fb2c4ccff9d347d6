//! Folios: memory objects that can be mapped, shared and handed on.
//!
//! A folio is charged whole when it is made, and its pages are taken and zeroed when they are
//! first touched (rule 12). Where its frames are is kept in a small tree of table frames.

use crate::memory::{FRAME_LEN, Id, Memory, PhysAddr};
use crate::object::{Device, Process};

const PER_TABLE: usize = FRAME_LEN / 8;

/// Where a folio's pages are.
#[derive(Clone, Copy)]
pub enum Backing {
    /// One block that belongs to the folio.
    Block(PhysAddr),
    /// Memory that is not the folio's to give back: the boot archive, a device's registers.
    Fixed(PhysAddr),
    /// Pages taken one by one; the frame holds their addresses, or those of further tables
    /// if there are more than 512 pages. 0 stands for a page that was not touched yet. The lowest bits say whose each
    /// frame is ([`Origin`]).
    Table(PhysAddr),
}

/// A memory object.
pub struct Folio {
    /// Where its pages are.
    pub backing: Backing,
    /// Its size.
    pub pages: u32,
    /// Pages that are promised and not taken yet.
    pub untouched: u32,
    /// Pages that are the boot archive's, and that nobody is charged for.
    pub lent: u32,
    /// Frames that the tables take.
    pub table_frames: u32,
    /// Who was charged, while that process lives.
    pub charged_to: Option<Id<Process>>,
    /// Handles and mappings.
    pub references: u32,
    /// Whether nobody can write it, ever: a program can be loaded from it.
    pub immutable: bool,
    /// Whose registers it is, and which of them.
    pub device: Option<(Id<Device>, u8)>,
    /// The next folio on the list of dead ones, and how far freeing this one has come.
    pub next_dead: Option<Id<Folio>>,
    /// How many of its pages have been given back.
    pub freed_pages: usize,
}

/// A page that a folio has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its frame.
    pub frame: PhysAddr,
    /// Whose frame that is.
    pub origin: Origin,
}

/// Whose frame a page is, and so where it goes in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Origin {
    /// Taken from free memory, for this folio.
    Free = 0,
    /// Taken from the code pool, for this folio.
    CodePool = 1,
    /// Memory that nobody gives back: the boot archive, a device's registers. Other folios may show it too.
    Fixed = 2,
}

const ORIGIN_BITS: u64 = 3;

impl Origin {
    const fn of(entry: u64) -> Origin {
        match entry & ORIGIN_BITS {
            0 => Origin::Free,
            1 => Origin::CodePool,
            _ => Origin::Fixed,
        }
    }
}

impl Folio {
    /// The most pages a folio can have: 1 GiB.
    pub const PAGES_MAX: usize = PER_TABLE * PER_TABLE;

    /// Table frames that a folio of this many pages can need.
    pub const fn tables_for(pages: usize) -> usize {
        if pages > PER_TABLE {
            1 + pages.div_ceil(PER_TABLE)
        } else {
            1
        }
    }

    /// Pages that it is charged for.
    pub fn charged_pages(&self) -> usize {
        let pages = self.pages as usize;
        match self.backing {
            Backing::Fixed(_) => 0,
            Backing::Block(_) => pages,
            Backing::Table(_) => pages - self.lent as usize + Folio::tables_for(pages),
        }
    }

    /// Frames that are promised to it and not taken.
    pub fn promised(&self) -> usize {
        match self.backing {
            Backing::Fixed(_) | Backing::Block(_) => 0,
            Backing::Table(_) => {
                let tables = Folio::tables_for(self.pages as usize) - self.table_frames as usize;
                self.untouched as usize + tables
            }
        }
    }

    /// The frame of a page, if it was touched.
    pub fn page(&self, memory: &Memory, index: usize) -> Option<Page> {
        debug_assert!(index < self.pages as usize);
        match self.backing {
            Backing::Block(base) => Some(Page {
                frame: base.offset(index * FRAME_LEN),
                origin: Origin::Free,
            }),
            Backing::Fixed(base) => Some(Page {
                frame: base.offset(index * FRAME_LEN),
                origin: Origin::Fixed,
            }),
            Backing::Table(root) => {
                let table = if self.pages as usize > PER_TABLE {
                    match memory.read_u64(root.offset(index / PER_TABLE * 8)) {
                        0 => return None,
                        table => PhysAddr(table),
                    }
                } else {
                    root
                };
                match memory.read_u64(table.offset(index % PER_TABLE * 8)) {
                    0 => None,
                    entry => Some(Page {
                        frame: PhysAddr(entry & !ORIGIN_BITS),
                        origin: Origin::of(entry),
                    }),
                }
            }
        }
    }

    /// The frame of a page, taken and zeroed now if this is the first touch.
    pub fn touch(&mut self, memory: &mut Memory, index: usize) -> Page {
        if let Some(page) = self.page(memory, index) {
            return page;
        }
        let page = Page {
            frame: memory.take_reserved(),
            origin: Origin::Free,
        };
        self.untouched -= 1;
        self.set_page(memory, index, page);
        page
    }

    /// Puts a frame where none is yet. The table frames it may need are promised.
    pub fn set_page(&mut self, memory: &mut Memory, index: usize, page: Page) {
        let Backing::Table(root) = self.backing else {
            panic!("this folio's pages are fixed")
        };
        let table = if self.pages as usize > PER_TABLE {
            let at = root.offset(index / PER_TABLE * 8);
            match memory.read_u64(at) {
                0 => {
                    let table = memory.take_reserved();
                    self.table_frames += 1;
                    memory.write_u64(at, table.0);
                    table
                }
                table => PhysAddr(table),
            }
        } else {
            root
        };
        memory.write_u64(
            table.offset(index % PER_TABLE * 8),
            page.frame.0 | page.origin as u64,
        );
    }

    /// Gives back the frames of up to `steps` pages from `*cursor` on; true when all are done.
    pub fn free_pages(&mut self, memory: &mut Memory, cursor: &mut usize, steps: usize) -> bool {
        match self.backing {
            Backing::Fixed(_) => true,
            Backing::Block(base) => {
                memory.free(base);
                true
            }
            Backing::Table(root) => {
                let pages = self.pages as usize;
                for _ in 0..steps {
                    if *cursor >= pages {
                        break;
                    }
                    if let Some(page) = self.page(memory, *cursor) {
                        match page.origin {
                            Origin::Free => memory.free(page.frame),
                            Origin::CodePool => memory.free_code(page.frame),
                            Origin::Fixed => {}
                        }
                    }
                    *cursor += 1;
                    if pages > PER_TABLE && (cursor.is_multiple_of(PER_TABLE) || *cursor == pages) {
                        let table = memory.read_u64(root.offset((*cursor - 1) / PER_TABLE * 8));
                        if table != 0 {
                            memory.free(PhysAddr(table));
                        }
                    }
                }
                if *cursor < pages {
                    return false;
                }
                memory.free(root);
                true
            }
        }
    }
}
