//! Compiling kernel and components, and packing what a machine boots: `build/ARCH/SYSTEM.tar`.
//!
//! The archive holds `init`, `plan` and `components/NAME`. Images in it are stripped; unstripped
//! copies lie in `build/ARCH/unstripped/`, named by the linker's build id, for [`crate::symbols`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use cargo_metadata::diagnostic::DiagnosticLevel;

use crate::arch::Arch;
use crate::closure;
use crate::faults::Faults;
use crate::pack::{Frames, Program, Programs};
use crate::report::Step;
use crate::stale;
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

    /// The packages of all components.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        let others = self.components.iter().map(|(_, package)| package.as_str());
        others.chain([self.init.as_str()])
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
    match Programs::compiled_before(root, arch) {
        Some(programs) if programs.suffice(request) => programs.pack(request),
        _ => compile_all(root, arch, std::slice::from_ref(request))?.pack(request),
    }
}

/// The boot loader for UEFI firmware, as the compiler makes it.
pub fn uefi_loader(root: &Path, arch: Arch) -> Result<Vec<u8>> {
    let toolchain = Toolchain::find(root, arch).map_err(|reason| {
        anyhow::anyhow!("nothing can build for {arch}: {reason}; `./ftl doctor` sets it up")
    })?;
    let cargo = toolchain.cargo(root, "build", arch.component_target());
    let (programs, _) = compile(root, &toolchain, cargo, &["uefi_loader"])?;
    let loader = programs
        .get("uefi_loader")
        .context("the package `uefi_loader` has no program")?;
    read(&loader.path)
}

/// Compiles the kernel and whatever is in any of `requests`; nothing, if something unclean might run in the kernel.
pub fn compile_all(root: &Path, arch: Arch, requests: &[Request]) -> Result<Programs> {
    let toolchain = Toolchain::find(root, arch).map_err(|reason| {
        anyhow::anyhow!("nothing can build for {arch}: {reason}; `./ftl doctor` sets it up")
    })?;
    let unreadable = closure::hold(root, &systems::kernel_packages(root)?)?;
    let folder = workspace::build_folder(root, arch);
    std::fs::create_dir_all(folder.join("unstripped"))?;
    prune(&folder.join("unstripped"), |_| true, WEEK);
    // Archives with settings of their own, which are mostly made for one test; boot disks of runs that were killed.
    let passing = |name: &str| name.contains('=') || name.starts_with("uefi-");
    prune(&folder, passing, WEEK / 7);

    let cargo = toolchain.cargo(root, "build", arch.kernel_target());
    let (mut kernel, mut warnings) = compile(root, &toolchain, cargo, &["kernel"])?;
    let kernel = kernel
        .remove("kernel")
        .context("the package `kernel` has no program `kernel`")?;
    let packages: BTreeSet<&str> = requests.iter().flat_map(Request::packages).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    let cargo = toolchain.cargo(root, "build", arch.component_target());
    let (components, more) = compile(root, &toolchain, cargo, &packages)?;
    warnings += more;
    closure::refuse(&unreadable)?;
    Ok(Programs::new(root, arch, kernel, components, warnings))
}

/// What an earlier [`build`] of this name left behind. Says so if something was changed since.
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
    if let Some(changed) = stale::changed_since(root, &folder.join(format!("{name}.json"))) {
        say!(
            "note: `{}` was changed after what --no-build boots was built; leave it out to build anew",
            changed.display()
        );
    }
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

/// Runs cargo, `command`, for some packages; gives each program by its name, and how often the compiler warned.
fn compile(
    root: &Path,
    toolchain: &Toolchain,
    mut command: Command,
    packages: &[&str],
) -> Result<(BTreeMap<String, Program>, usize)> {
    let what = match packages {
        [one] => (*one).to_owned(),
        more => format!("{} components", more.len()),
    };
    let step = Step::start(format!("building {what} with {}", toolchain.name));
    let format = match std::io::stderr().is_terminal() {
        true => "json-diagnostic-rendered-ansi",
        false => "json",
    };
    command.args(["--release", "--quiet", "--bins"]);
    command.args(["--message-format", format]);
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
    let mut warnings = 0;
    for message in Message::parse_stream(BufReader::new(output)) {
        let message = message?;
        if let Message::CompilerMessage(told) = &message {
            let rendered = told.message.rendered.as_deref().unwrap_or_default();
            crate::speech::say(format_args!("{rendered}"));
            warnings += usize::from(told.message.level == DiagnosticLevel::Warning);
        }
        if let Message::CompilerArtifact(artifact) = message {
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
                    inspected: false,
                };
                programs.insert(artifact.target.name, program);
            }
        }
    }
    if !child.wait()?.success() {
        step.failed();
        bail!("nothing was built: the compiler's report is above");
    }
    step.done();
    Ok((programs, warnings))
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

/// Writes a file that is not what it should be yet.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    write(path, bytes)
}

/// Writes by way of a second file, so that a machine that boots meanwhile sees old or new content.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    std::fs::write(&temporary, bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    std::fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))
}
