//! The images that run, and what an address in them is called.

use std::path::{Path, PathBuf};

use addr2line::Loader;
use anyhow::Result;
use object::{Object, ObjectSymbol, SymbolKind};

use super::By;
use crate::build::Built;
use crate::image;
use crate::symbols;

/// Where a process's image lies: its name before this, its address after it.
const IMAGE: &str = ": FTL-IMAGE 0x";

/// Where the kernel put images: the process, and the address.
#[derive(Default)]
pub struct Bases(Vec<(String, u64)>);

impl Bases {
    /// Takes a line of the log; whether it told of one.
    pub fn look(&mut self, line: &str) -> Result<bool> {
        let Some((before, base)) = line.split_once(IMAGE) else {
            return Ok(false);
        };
        let name = before.rsplit(' ').next().unwrap_or(before);
        self.0
            .push((name.to_owned(), u64::from_str_radix(base, 16)?));
        Ok(true)
    }
}

/// The images that run, to look addresses up in.
pub struct Images {
    root: PathBuf,
    images: Vec<Placed>,
}

/// An image where it lies.
struct Placed {
    name: String,
    at: u64,
    len: u64,
    /// Where its own addresses begin.
    base: u64,
    loader: Loader,
    /// Its functions: where each begins in its own addresses, in order.
    functions: Vec<(u64, String)>,
}

impl Images {
    pub fn new(root: &Path, built: &Built, bases: &Bases) -> Result<Images> {
        let mut images = Images {
            root: root.to_owned(),
            images: Vec::new(),
        };
        for (name, path) in &built.unstripped {
            let bytes = std::fs::read(path)?;
            let base = image::base(&bytes)?;
            if name == "kernel" {
                images.add(name, base, base, &bytes, path)?;
                // Until it has switched translation on, it runs where it was loaded.
                images.add(name, image::load_address(&bytes)?, base, &bytes, path)?;
                continue;
            }
            for (process, at) in &bases.0 {
                // Names of processes are names of images, but for parts that init plays.
                let image = built
                    .unstripped
                    .keys()
                    .find(|image| *image == process || image.ends_with(&format!("_{process}")));
                if image.map_or("init", String::as_str) == name {
                    images.add(process, *at, base, &bytes, path)?;
                }
            }
        }
        Ok(images)
    }

    fn add(&mut self, name: &str, at: u64, base: u64, bytes: &[u8], path: &Path) -> Result<()> {
        let loader =
            Loader::new(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let file = object::File::parse(bytes)?;
        // Assemblers leave labels behind, too, which are no functions.
        let mut functions: Vec<(u64, String)> = file
            .symbols()
            .filter(|symbol| {
                // Functions in assembly have no kind.
                matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown)
            })
            .filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?.to_owned())))
            .filter(|(_, name)| !name.starts_with(".L") && !name.starts_with('$'))
            .collect();
        functions.sort();
        self.images.push(Placed {
            name: name.to_owned(),
            at,
            len: image::len(bytes)?,
            base,
            loader,
            functions,
        });
        Ok(())
    }

    /// What an address is called, for adding up.
    pub fn name(&self, address: u64, by: By) -> String {
        let image = self
            .images
            .iter()
            .find(|image| (image.at..image.at + image.len).contains(&address));
        let Some(image) = image else {
            return match by {
                By::Image => "firmware".to_owned(),
                _ => format!("? {address:#x}"),
            };
        };
        if by == By::Image {
            return image.name.clone();
        }
        let own = address - image.at + image.base;
        let innermost = symbols::innermost(&image.loader, own, &self.root);
        let found = match (by, innermost) {
            (By::Function, Some((function, location))) => {
                let file = location.rsplit_once(':').map_or("", |(file, _)| file);
                format!("{function}  {file}")
            }
            (By::Line, Some((function, location))) => format!("{location}  {function}"),
            (By::Address, Some((function, location))) => {
                format!("{own:#x}  {location}  {function}")
            }
            _ => image.function(own),
        };
        format!("{}  {found}", image.name)
    }
}

impl Placed {
    /// The function that the compiler put there.
    fn function(&self, own: u64) -> String {
        let after = self.functions.partition_point(|(begin, _)| *begin <= own);
        match after.checked_sub(1) {
            Some(index) => symbols::shorten(&addr2line::demangle_auto(
                self.functions[index].1.as_str().into(),
                None,
            )),
            None => format!("{own:#x}"),
        }
    }
}
