//! Packing compiled programs into what a machine boots, for [`crate::build`].
//!
//! Each program is looked through and stripped once, into however many archives it goes: `./ftl test` packs over a
//! hundred. It also leaves a list of what it has compiled and looked through, `build/ARCH/programs.json`, and tells the
//! tests that this is up to date ([`COMPILED`]): a test that wants an archive with settings of its own only packs, and
//! needs no cargo, which might be busy for another architecture meanwhile.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::arch::Arch;
use crate::archive::Archive;
use crate::build::{Built, Request, read, write, write_if_changed};
use crate::faults::{self, Faults};
use crate::image;
use crate::inspect::{self, Owner};
use crate::workspace;

/// The environment variable that names the architectures whose programs need not be compiled again, in one word.
pub const COMPILED: &str = "FTL_COMPILED";

/// Whether the environment says of an architecture's programs that they are up to date.
pub fn is_compiled(arch: Arch) -> bool {
    let said = std::env::var(COMPILED).unwrap_or_default();
    said.split(' ').any(|name| name == arch.name())
}

/// Compiled programs, out of which archives are packed.
pub struct Programs {
    arch: Arch,
    folder: PathBuf,
    kernel: Program,
    /// By the names of their packages.
    components: BTreeMap<String, Program>,
    /// How often the compiler warned of something in them.
    pub warnings: usize,
    /// What was packed already, by the paths of the programs.
    ready: RefCell<BTreeMap<PathBuf, Rc<Ready>>>,
}

/// A program in the form that archives have.
struct Ready {
    stripped: Vec<u8>,
    /// Its copy with symbols.
    unstripped: PathBuf,
    /// What is wrong with its machine code.
    breaches: Vec<String>,
}

impl Programs {
    /// What was compiled for an architecture, components by the names of their packages.
    pub fn new(
        root: &Path,
        arch: Arch,
        kernel: Program,
        components: BTreeMap<String, Program>,
        warnings: usize,
    ) -> Programs {
        Programs {
            arch,
            folder: workspace::build_folder(root, arch),
            kernel,
            components,
            warnings,
            ready: RefCell::default(),
        }
    }

    /// Writes down where the programs are that were packed without a complaint, for [`Programs::compiled_before`].
    pub fn remember(&self) -> Result<()> {
        let described = |program: &Program| json!([program.path, program.frames == Frames::Any]);
        let ready = self.ready.borrow();
        let is_clean = |program: &Program| {
            let ready = ready.get(&program.path);
            ready.is_some_and(|ready| ready.breaches.is_empty())
        };
        let components: BTreeMap<&String, Value> = self
            .components
            .iter()
            .filter(|(_, program)| is_clean(program))
            .map(|(name, program)| (name, described(program)))
            .collect();
        let list = json!({ "kernel": described(&self.kernel), "components": components });
        write_if_changed(&list_of(&self.folder), &serde_json::to_vec_pretty(&list)?)
    }

    /// What [`Programs::remember`] wrote down, if the environment says that it is up to date.
    pub fn compiled_before(root: &Path, arch: Arch) -> Option<Programs> {
        match is_compiled(arch) {
            true => Programs::listed(root, arch),
            false => None,
        }
    }

    fn listed(root: &Path, arch: Arch) -> Option<Programs> {
        let text = std::fs::read(list_of(&workspace::build_folder(root, arch))).ok()?;
        let list: Value = serde_json::from_slice(&text).ok()?;
        let kernel = Program::listed(&list["kernel"])?;
        let components = list["components"].as_object()?.iter();
        let components = components
            .map(|(name, described)| Some((name.clone(), Program::listed(described)?)))
            .collect::<Option<BTreeMap<String, Program>>>()?;
        Some(Programs::new(root, arch, kernel, components, 0))
    }

    /// Whether everything that goes into an archive was compiled.
    pub fn suffice(&self, request: &Request) -> bool {
        request
            .packages()
            .all(|package| self.components.contains_key(package))
    }

    /// Checks the images that `request` names, and packs them.
    pub fn pack(&self, request: &Request) -> Result<Built> {
        let mut breaches = Vec::new();
        let mut unstripped = BTreeMap::new();
        let mut archive = Archive::default();
        let mut add = |entry: &str, program: &Program| -> Result<()> {
            let name = entry.rsplit('/').next().unwrap_or(entry);
            let ready = self.ready(name, program, Owner::Component)?;
            breaches.extend_from_slice(&ready.breaches);
            unstripped.insert(name.to_owned(), ready.unstripped.clone());
            archive.add_image(entry, &ready.stripped)
        };
        add("init", self.component(&request.init)?)?;
        for (name, package) in &request.components {
            add(&format!("components/{name}"), self.component(package)?)?;
        }
        for (name, path) in &request.images {
            let program = Program {
                path: path.clone(),
                frames: Frames::Bounded,
                inspected: false,
            };
            add(name, &program)?;
        }
        if let Some(faults) = &request.faults {
            self.add_faulty(faults, &request.name, &mut archive)?;
        }
        if let Some(plan) = &request.plan {
            archive.add("plan", plan)?;
        }
        if let Some(words) = &request.bench {
            archive.add("bench", words.as_bytes())?;
        }

        let kernel = self.ready("kernel", &self.kernel, Owner::Kernel)?;
        breaches.extend_from_slice(&kernel.breaches);
        if !breaches.is_empty() {
            bail!(
                "the machine code breaks rules:\n  {}",
                breaches.join("\n  ")
            );
        }
        unstripped.insert("kernel".to_owned(), kernel.unstripped.clone());

        let file = |extension: &str| self.folder.join(format!("{}.{extension}", request.name));
        let built = Built {
            kernel: file("kernel"),
            archive: file("tar"),
            unstripped,
            names: request.names.iter().cloned().collect(),
        };
        write_if_changed(&built.kernel, &kernel.stripped)?;
        write_if_changed(&built.archive, &archive.finish())?;
        let listing = json!({ "unstripped": built.unstripped, "names": built.names });
        // In any case: when it was written is when this was built, for [`crate::stale`].
        write(&file("json"), &serde_json::to_vec_pretty(&listing)?)?;
        Ok(built)
    }

    /// A program as archives have it, and the kernel as machines boot it.
    fn ready(&self, name: &str, program: &Program, owner: Owner) -> Result<Rc<Ready>> {
        if let Some(ready) = self.ready.borrow().get(&program.path) {
            return Ok(Rc::clone(ready));
        }
        let elf = read(&program.path)?;
        let stripped = match owner {
            Owner::Kernel => bootable(self.arch, &elf)?,
            Owner::Component => {
                image::strip(&elf).with_context(|| program.path.display().to_string())?
            }
        };
        let ready = Rc::new(Ready {
            stripped,
            unstripped: self.keep_unstripped(name, &elf)?,
            breaches: match program.inspected {
                true => Vec::new(),
                false => inspect_image(&elf, self.arch, owner, program.frames, &program.path)?,
            },
        });
        let path = program.path.clone();
        self.ready.borrow_mut().insert(path, Rc::clone(&ready));
        Ok(ready)
    }

    fn component(&self, package: &str) -> Result<&Program> {
        self.components.get(package).with_context(|| {
            format!("the package `{package}` has no program `{package}` (src/main.rs)")
        })
    }

    /// Packs faulty copies of a component, and writes down what is wrong with each beside the archive.
    fn add_faulty(&self, wanted: &Faults, name: &str, archive: &mut Archive) -> Result<()> {
        let elf = read(&self.component(&wanted.component)?.path)?;
        let target = faults::Target::new(&elf)?;
        let mut random = faults::Random::new(wanted.seed);
        let mut listing = String::new();
        for copy in 0..wanted.copies {
            let (elf, made) = target.copy(&mut random, wanted.each);
            let image = format!("{}.{copy}", wanted.component);
            archive.add_image(&format!("components/{image}"), &image::strip(&elf)?)?;
            for fault in made {
                listing += &format!("{image} {fault}\n");
            }
        }
        let file = self.folder.join(format!("{name}.faults"));
        write_if_changed(&file, listing.as_bytes())
    }

    /// Copies an image to where [`crate::symbols`] finds it.
    fn keep_unstripped(&self, name: &str, elf: &[u8]) -> Result<PathBuf> {
        let id = image::build_id(elf).unwrap_or_else(|| name.to_owned());
        let path = self.folder.join("unstripped").join(id);
        write_if_changed(&path, elf)?;
        Ok(path)
    }
}

/// Where [`Programs::remember`] writes.
fn list_of(folder: &Path) -> PathBuf {
    folder.join("programs.json")
}

/// The kernel in the form that QEMU boots.
fn bootable(arch: Arch, elf: &[u8]) -> Result<Vec<u8>> {
    if arch == Arch::Arm64 {
        let flat = image::flatten(elf)?;
        if image::has_arm64_boot_header(&flat) {
            return Ok(flat);
        }
    }
    image::strip(elf)
}

/// Whether an image may have large stack frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// None above 64 KiB (rule 4).
    Bounded,
    /// Any: components in components/tests/ overflow their stacks to show what becomes of them.
    Any,
}

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// What it may do with its stack.
    pub frames: Frames,
    /// Whether its machine code was looked through already, and nothing found.
    pub inspected: bool,
}

impl Program {
    /// Out of [`Programs::remember`]'s list; nothing, if the file is gone.
    fn listed(described: &Value) -> Option<Program> {
        let path = PathBuf::from(described.get(0)?.as_str()?);
        let frames = match described.get(1)?.as_bool()? {
            true => Frames::Any,
            false => Frames::Bounded,
        };
        path.is_file().then_some(Program {
            path,
            frames,
            inspected: true,
        })
    }
}

/// What [`inspect`] finds in the image in a file, with the file's name.
fn inspect_image(
    elf: &[u8],
    arch: Arch,
    owner: Owner,
    frames: Frames,
    path: &Path,
) -> Result<Vec<String>> {
    let name = path.file_name().unwrap_or_default().display().to_string();
    let frame_len_max = match frames {
        Frames::Bounded => inspect::FRAME_LEN_MAX,
        Frames::Any => u64::MAX,
    };
    let found = inspect::inspect(elf, arch, owner, frame_len_max)
        .with_context(|| path.display().to_string())?;
    Ok(found
        .into_iter()
        .map(|breach| format!("{name}: {breach}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_clean_is_not_looked_through_again() {
        let root = std::env::temp_dir().join(format!("ftl-pack-{}", std::process::id()));
        let folder = workspace::build_folder(&root, Arch::Riscv64);
        std::fs::create_dir_all(&folder).unwrap();
        let program = |name: &str| {
            let path = folder.join(name);
            std::fs::write(&path, b"no image").unwrap();
            Program {
                path,
                frames: Frames::Any,
                inspected: false,
            }
        };
        let named = |name: &str| (name.to_owned(), program(name));
        let components = ["clean", "unclean", "unseen"].map(named).into();
        let programs = Programs::new(&root, Arch::Riscv64, program("kernel"), components, 0);
        for (name, breaches) in [("clean", vec![]), ("unclean", vec!["mret".to_owned()])] {
            let ready = Ready {
                stripped: Vec::new(),
                unstripped: PathBuf::new(),
                breaches,
            };
            let path = folder.join(name);
            programs.ready.borrow_mut().insert(path, Rc::new(ready));
        }
        programs.remember().unwrap();
        let listed = Programs::listed(&root, Arch::Riscv64).unwrap();
        let names: Vec<&String> = listed.components.keys().collect();
        assert_eq!(names, ["clean"]);
        assert!(listed.components["clean"].inspected && listed.kernel.inspected);
        std::fs::remove_dir_all(root).unwrap();
    }
}
