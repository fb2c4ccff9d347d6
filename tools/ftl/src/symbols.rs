//! Turning code addresses in the guest's backtraces into functions and source lines.
//!
//! The kernel prints one line per frame, `  at NAME+0xOFFSET`, where NAME is a component (or
//! `kernel`) and OFFSET counts from where its image begins; for itself it may print the address
//! instead. What is found is added to the end of such a line, so a line that has been shown in part
//! can be completed. Whatever goes wrong here, the line itself is never lost.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use addr2line::Loader;

use crate::image;

/// Where the kernel's half of the address space begins.
const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;

/// Knows the images of one boot.
pub struct Symbols {
    root: PathBuf,
    paths: BTreeMap<String, PathBuf>,
    /// With the addresses that the image covers.
    loaded: BTreeMap<String, Option<(Loader, Range<u64>)>>,
    /// Whether the line before was a frame, too.
    inside_backtrace: bool,
}

impl Symbols {
    /// For the unstripped images in `paths`, by name. Source paths are shown relative to `root`.
    pub fn new(root: &Path, paths: BTreeMap<String, PathBuf>) -> Symbols {
        Symbols {
            root: root.to_owned(),
            paths,
            loaded: BTreeMap::new(),
            inside_backtrace: false,
        }
    }

    /// What to add to the end of `line`; nothing if it is not a frame of a backtrace.
    pub fn annotate(&mut self, line: &str) -> Option<String> {
        let Some(frame) = parse_frame(line) else {
            self.inside_backtrace = false;
            return None;
        };
        // All frames but the innermost hold the address to return to, which is the instruction
        // after the call and may belong to the next source line.
        let back = u64::from(self.inside_backtrace);
        self.inside_backtrace = true;

        let root = self.root.clone();
        let (loader, covered) = self.image(frame.name)?;
        let address = match frame.place {
            Place::Offset(offset) => covered.start.checked_add(offset)?,
            Place::Address(address) => address,
        };
        // Behind its end the last symbol would be taken for whatever lies there. A return address may be the end itself.
        if address > covered.end {
            return None;
        }
        let mut frames = loader.find_frames(address.checked_sub(back)?).ok()?;
        let mut text = String::new();
        while let Ok(Some(found)) = frames.next() {
            let function = found
                .function
                .as_ref()
                .and_then(|function| function.demangle().ok())
                .map(|name| shorten(&name));
            let location = found.location.as_ref().and_then(|location| {
                let file = source_path(&root, location.file?);
                Some(match location.line {
                    Some(line) => format!("{file}:{line}"),
                    None => file,
                })
            });
            let described = match (function, location) {
                (Some(function), Some(location)) => format!("{location} in {function}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => continue,
            };
            text += if text.is_empty() {
                "  "
            } else {
                "\n       called from "
            };
            text += &described;
        }
        if text.is_empty() {
            let symbol = loader.find_symbol(address)?;
            text = format!(
                "  {}",
                shorten(&addr2line::demangle_auto(symbol.into(), None))
            );
        }
        Some(text)
    }

    /// The component's image if there is one alone: then every process was started from it,
    /// whatever it is called.
    fn only_component(&self) -> Option<&PathBuf> {
        let mut components = self.paths.iter().filter(|(name, _)| *name != "kernel");
        match (components.next(), components.next()) {
            (Some((_, path)), None) => Some(path),
            _ => None,
        }
    }

    fn image(&mut self, name: &str) -> Option<&(Loader, Range<u64>)> {
        if !self.loaded.contains_key(name) {
            let load = || {
                let path = self.paths.get(name).or_else(|| self.only_component())?;
                let bytes = std::fs::read(path).ok()?;
                let base = image::base(&bytes).ok()?;
                let end = base.checked_add(image::len(&bytes).ok()?)?;
                Some((Loader::new(path).ok()?, base..end))
            };
            self.loaded.insert(name.to_owned(), load());
        }
        self.loaded.get(name)?.as_ref()
    }
}

#[derive(Debug, PartialEq)]
struct Frame<'a> {
    name: &'a str,
    place: Place,
}

#[derive(Debug, PartialEq)]
enum Place {
    Offset(u64),
    Address(u64),
}

/// Reads `at NAME+0xOFFSET` or `at 0xADDRESS` at the end of a line.
fn parse_frame(line: &str) -> Option<Frame<'_>> {
    let line = line.trim_end();
    let (before, what) = line.rsplit_once("at ")?;
    if !before.is_empty() && !before.ends_with(' ') {
        return None;
    }
    let hexadecimal = |text: &str| u64::from_str_radix(text, 16).ok();
    if let Some((name, offset)) = what.split_once("+0x") {
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        return plain.then_some(Frame {
            name,
            place: Place::Offset(hexadecimal(offset)?),
        });
    }
    // An address in the middle of a sentence is not a frame.
    let address = hexadecimal(what.strip_prefix("0x")?)?;
    (before.trim().is_empty() && address >= KERNEL_BASE).then_some(Frame {
        name: "kernel",
        place: Place::Address(address),
    })
}

/// The innermost function at an address, inlined ones told apart, and its file and line.
pub fn innermost(loader: &Loader, address: u64, root: &Path) -> Option<(String, String)> {
    let frame = loader.find_frames(address).ok()?.next().ok()??;
    let function = shorten(&frame.function.as_ref()?.demangle().ok()?);
    let location = frame.location.as_ref();
    let file = location.and_then(|location| Some(source_path(root, location.file?)));
    let line = location.and_then(|location| location.line).unwrap_or(0);
    Some((function, format!("{}:{line}", file.unwrap_or_default())))
}

/// A function's name without the hash and the crate's own disambiguators.
pub fn shorten(name: &str) -> String {
    match name.rsplit_once("::h") {
        Some((short, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            short.to_owned()
        }
        _ => name.to_owned(),
    }
}

/// A source path as a person would write it: from the source tree's top, or from the name of the
/// crate it belongs to.
fn source_path(root: &Path, file: &str) -> String {
    let path = Path::new(file);
    if let Ok(inside) = path.strip_prefix(root) {
        return inside.display().to_string();
    }
    // Rust's own library, then crates from the registry.
    if let Some((_, inside)) = file.split_once("/library/") {
        return inside.to_owned();
    }
    if let Some((_, inside)) = file.split_once("/registry/src/") {
        return inside
            .split_once('/')
            .map_or(inside, |(_, rest)| rest)
            .to_owned();
    }
    file.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_from_other_lines() {
        let frame = |name, place| Some(Frame { name, place });
        assert_eq!(
            parse_frame("  at ping+0x1a4"),
            frame("ping", Place::Offset(0x1a4))
        );
        assert_eq!(
            parse_frame("[  0.1] at virtio_net+0x10 "),
            frame("virtio_net", Place::Offset(16))
        );
        assert_eq!(
            parse_frame("  at 0xffffffff80001234"),
            frame("kernel", Place::Address(0xffff_ffff_8000_1234))
        );
        for other in [
            "",
            "at ",
            "look at this",
            "kernel at 0xffffffff80000000",
            "  at 0x1234",
            "  at a b+0x10",
            "  at ping+0xzz",
            "  at ping+0x11112222333344445",
            "what+0x10",
        ] {
            assert_eq!(parse_frame(other), None, "{other:?}");
        }
    }

    #[test]
    fn unknown_images_leave_the_line_alone() {
        let mut symbols = Symbols::new(Path::new("/"), BTreeMap::new());
        assert_eq!(symbols.annotate("  at nobody+0x10"), None);
    }

    #[test]
    fn paths_are_short() {
        let root = Path::new("/src/ftl");
        assert_eq!(
            source_path(root, "/src/ftl/kernel/src/main.rs"),
            "kernel/src/main.rs"
        );
        assert_eq!(
            source_path(root, "/usr/src/rustc-1.96.0/library/core/src/panicking.rs"),
            "core/src/panicking.rs"
        );
        assert_eq!(
            source_path(
                root,
                "/cargo/registry/src/index.crates.io-1949/talc-5.1.1/src/lib.rs"
            ),
            "talc-5.1.1/src/lib.rs"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn finds_a_function_of_this_program() {
        let exe = std::env::current_exe().unwrap();
        let address = {
            use object::{Object, ObjectSymbol};
            let bytes = std::fs::read(&exe).unwrap();
            let file = object::File::parse(bytes.as_slice()).unwrap();
            // Not a closure in it, in any of the compiler's ways to write names.
            let meant =
                |name: &str| name.contains("parse_frame17h") || name.ends_with("parse_frame");
            file.symbols()
                .find(|symbol| symbol.name().is_ok_and(meant))
                .map(|symbol| symbol.address())
                .unwrap()
        };
        let base = image::base(&std::fs::read(&exe).unwrap()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut symbols = Symbols::new(root, BTreeMap::from([("tool".to_owned(), exe)]));
        let text = symbols
            .annotate(&format!("  at tool+{:#x}", address - base))
            .unwrap();
        // Its name is in line tables only if something was inlined into it.
        assert!(text.contains("src/symbols.rs:"), "{text}");
        assert_eq!(symbols.annotate("  at tool+0xffffffffffffffff"), None);
    }
}
