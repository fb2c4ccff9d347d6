//! Compiling kernel and components, and packing what a machine boots: `build/ARCH/SYSTEM.tar`.
//!
//! The archive holds `init`, `plan` and `components/NAME`. Images in it are stripped; unstripped
//! copies lie in `build/ARCH/unstripped/`, named by the linker's build id, for [`crate::symbols`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde_json::json;

use crate::arch::Arch;
use crate::archive::Archive;
use crate::closure;
use crate::faults::{self, Faults};
use crate::image;
use crate::inspect::{self, Owner};
use crate::report::Step;
use crate::systems;
use crate::toolchain::Toolchain;
use crate::workspace;

/// What to put into a boot archive.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Names the archive's file.
    pub name: String,
    /// Package of the first component.
    pub init: String,
    /// Packages of the other components: name in the archive, package.
    pub components: Vec<(String, String)>,
    /// Processes that are not called like their image: name, name of the image.
    pub names: Vec<(String, String)>,
    /// Images that are there already: name in the archive, file.
    pub images: Vec<(String, PathBuf)>,
    /// The wiring plan, encoded.
    pub plan: Option<Vec<u8>>,
    /// Faulty copies of a component's image, to go beside it.
    pub faults: Option<Faults>,
    /// Words for a benchmark (the entry `bench`).
    pub bench: Option<String>,
}

impl Request {
    /// A machine whose only component is this package.
    pub fn init_alone(package: &str) -> Request {
        Request {
            name: format!("init-{package}"),
            init: package.to_owned(),
            ..Request::default()
        }
    }
}

/// What a machine boots, and what is known about it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The kernel, in the form that QEMU loads.
    pub kernel: PathBuf,
    /// The boot archive.
    pub archive: PathBuf,
    /// Unstripped images by their names.
    pub unstripped: BTreeMap<String, PathBuf>,
    /// Processes that are not called like their image, such as the commands that share one: name, name of the image.
    pub names: BTreeMap<String, String>,
}

impl Built {
    /// Unstripped images by the names of processes, which backtraces have.
    pub fn symbols(&self) -> BTreeMap<String, PathBuf> {
        let named = self.names.iter().filter_map(|(name, image)| {
            let path = self.unstripped.get(image)?;
            Some((name.clone(), path.clone()))
        });
        let own = self.unstripped.clone();
        named.chain(own).collect()
    }
}

/// Compiles everything in `request` and packs its archive.
pub fn build(root: &Path, arch: Arch, request: &Request) -> Result<Built> {
    compile_all(root, arch, std::slice::from_ref(request))?.pack(request)
}

/// The boot loader for UEFI firmware, as the compiler makes it.
pub fn uefi_loader(root: &Path, arch: Arch) -> Result<Vec<u8>> {
    let toolchain = Toolchain::find(root, arch).map_err(|reason| {
        anyhow::anyhow!("nothing can build for {arch}: {reason}; `./ftl doctor` sets it up")
    })?;
    let cargo = toolchain.cargo(root, "build", arch.component_target());
    let programs = compile(root, &toolchain, cargo, &["uefi_loader"])?;
    let loader = programs
        .get("uefi_loader")
        .context("the package `uefi_loader` has no program")?;
    read(&loader.path)
}

/// Compiled programs, out of which archives are packed.
pub struct Programs {
    arch: Arch,
    folder: PathBuf,
    kernel: Program,
    components: BTreeMap<String, Program>,
}

/// Compiles the kernel and whatever is in any of `requests`; nothing, if something unclean might run in the kernel.
pub fn compile_all(root: &Path, arch: Arch, requests: &[Request]) -> Result<Programs> {
    let toolchain = Toolchain::find(root, arch).map_err(|reason| {
        anyhow::anyhow!("nothing can build for {arch}: {reason}; `./ftl doctor` sets it up")
    })?;
    closure::hold(root, &systems::kernel_packages(root)?)?;
    let folder = workspace::build_folder(root, arch);
    std::fs::create_dir_all(folder.join("unstripped"))?;
    prune(&folder.join("unstripped"), |_| true, WEEK);
    // Archives with settings of their own, which are mostly made for one test; boot disks of runs that were killed.
    let passing = |name: &str| name.contains('=') || name.starts_with("uefi-");
    prune(&folder, passing, WEEK / 7);

    let cargo = toolchain.cargo(root, "build", arch.kernel_target());
    let kernel = compile(root, &toolchain, cargo, &["kernel"])?
        .remove("kernel")
        .context("the package `kernel` has no program `kernel`")?;
    let packages: BTreeSet<&str> = requests
        .iter()
        .flat_map(|request| {
            let others = request
                .components
                .iter()
                .map(|(_, package)| package.as_str());
            others.chain([request.init.as_str()])
        })
        .collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    let cargo = toolchain.cargo(root, "build", arch.component_target());
    let components = compile(root, &toolchain, cargo, &packages)?;
    Ok(Programs {
        arch,
        folder,
        kernel,
        components,
    })
}

impl Programs {
    /// Checks the images that `request` names, and packs them.
    pub fn pack(&self, request: &Request) -> Result<Built> {
        let mut breaches = Vec::new();
        let mut unstripped = BTreeMap::new();
        let mut archive = Archive::default();
        let mut add =
            |archive: &mut Archive, entry: &str, path: &Path, frames: Frames| -> Result<()> {
                let elf = read(path)?;
                breaches.extend(inspect_image(
                    &elf,
                    self.arch,
                    Owner::Component,
                    frames,
                    path,
                )?);
                let name = entry.rsplit('/').next().unwrap_or(entry);
                unstripped.insert(name.to_owned(), self.keep_unstripped(name, &elf)?);
                let stripped = image::strip(&elf).with_context(|| path.display().to_string())?;
                archive.add(entry, &stripped)
            };
        let init = self.component(&request.init)?;
        add(&mut archive, "init", &init.path, init.frames)?;
        for (name, package) in &request.components {
            let program = self.component(package)?;
            add(
                &mut archive,
                &format!("components/{name}"),
                &program.path,
                program.frames,
            )?;
        }
        if let Some(faults) = &request.faults {
            self.add_faulty(faults, &request.name, &mut archive)?;
        }
        for (name, path) in &request.images {
            add(&mut archive, name, path, Frames::Bounded)?;
        }
        if let Some(plan) = &request.plan {
            archive.add("plan", plan)?;
        }
        if let Some(words) = &request.bench {
            archive.add("bench", words.as_bytes())?;
        }

        let elf = read(&self.kernel.path)?;
        breaches.extend(inspect_image(
            &elf,
            self.arch,
            Owner::Kernel,
            Frames::Bounded,
            &self.kernel.path,
        )?);
        if !breaches.is_empty() {
            bail!(
                "the machine code breaks rules:\n  {}",
                breaches.join("\n  ")
            );
        }
        unstripped.insert("kernel".to_owned(), self.keep_unstripped("kernel", &elf)?);

        let file = |extension: &str| self.folder.join(format!("{}.{extension}", request.name));
        let built = Built {
            kernel: file("kernel"),
            archive: file("tar"),
            unstripped,
            names: request.names.iter().cloned().collect(),
        };
        write_if_changed(&built.kernel, &bootable(self.arch, &elf)?)?;
        write_if_changed(&built.archive, &archive.finish())?;
        let listing = json!({ "unstripped": built.unstripped, "names": built.names });
        write_if_changed(&file("json"), &serde_json::to_vec_pretty(&listing)?)?;
        Ok(built)
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
            archive.add(&format!("components/{image}"), &image::strip(&elf)?)?;
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

/// What an earlier [`build`] of this name left behind.
pub fn built_before(root: &Path, arch: Arch, name: &str) -> Result<Built> {
    let folder = workspace::build_folder(root, arch);
    let listing = folder.join(format!("{name}.json"));
    let text = std::fs::read(&listing).with_context(|| {
        format!("`{name}` has not been built for {arch}; leave out --no-build to build it")
    })?;
    let listing: serde_json::Value = serde_json::from_slice(&text)?;
    let words = |key: &str| -> BTreeMap<String, String> {
        let listed = listing[key].as_object().into_iter().flatten();
        listed
            .filter_map(|(name, word)| Some((name.clone(), word.as_str()?.to_owned())))
            .collect()
    };
    let unstripped = words("unstripped");
    Ok(Built {
        kernel: folder.join(format!("{name}.kernel")),
        archive: folder.join(format!("{name}.tar")),
        unstripped: unstripped
            .into_iter()
            .map(|(name, path)| (name, PathBuf::from(path)))
            .collect(),
        names: words("names"),
    })
}

/// Whether an image may have large stack frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    /// None above 64 KiB (rule 4).
    Bounded,
    /// Any: components in components/tests/ overflow their stacks to show what becomes of them.
    Any,
}

/// A compiled program.
#[derive(Clone, Debug)]
struct Program {
    path: PathBuf,
    frames: Frames,
}

/// Runs cargo, `command`, for some packages; gives each program by its name.
fn compile(
    root: &Path,
    toolchain: &Toolchain,
    mut command: Command,
    packages: &[&str],
) -> Result<BTreeMap<String, Program>> {
    let what = match packages {
        [one] => (*one).to_owned(),
        more => format!("{} components", more.len()),
    };
    let step = Step::start(format!("building {what} with {}", toolchain.name));
    command.args([
        "--release",
        "--quiet",
        "--bins",
        "--message-format=json-render-diagnostics",
    ]);
    for package in packages {
        command.args(["--package", package]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", toolchain.cargo.display()))?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut programs = BTreeMap::new();
    for message in Message::parse_stream(BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message? {
            step.detail(&artifact.target.name);
            if let (true, Some(path)) = (artifact.target.is_bin(), artifact.executable) {
                let is_test = artifact
                    .manifest_path
                    .starts_with(root.join("components/tests"));
                let program = Program {
                    path: path.into_std_path_buf(),
                    frames: if is_test {
                        Frames::Any
                    } else {
                        Frames::Bounded
                    },
                };
                programs.insert(artifact.target.name, program);
            }
        }
    }
    if !child.wait()?.success() {
        step.failed();
        bail!("{what} could not be built; the compiler's report is above");
    }
    step.done();
    Ok(programs)
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

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Removes files that nobody has built for so long.
fn prune(folder: &Path, may: impl Fn(&str) -> bool, age: Duration) {
    let limit = SystemTime::now() - age;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        if changed.is_ok_and(|time| time < limit) && may(&entry.file_name().to_string_lossy()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes by way of a second file, so that a machine that boots meanwhile sees old or new content.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    std::fs::write(&temporary, bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    std::fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))
}
