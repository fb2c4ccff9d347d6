//! Compiling kernel and components, and packing what a machine boots: `build/ARCH/SYSTEM.tar`.
//!
//! The archive holds `init`, `plan` and `components/NAME`. Images in it are stripped; unstripped
//! copies lie in `build/ARCH/unstripped/`, named by the linker's build id, for [`crate::symbols`].

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde_json::json;

use crate::arch::Arch;
use crate::archive::Archive;
use crate::image;
use crate::inspect::{self, Owner};
use crate::report::Step;
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
    /// Images that are there already: name in the archive, file.
    pub images: Vec<(String, PathBuf)>,
    /// The wiring plan, encoded.
    pub plan: Option<Vec<u8>>,
}

/// What a machine boots, and what is known about it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The kernel, in the form that QEMU loads.
    pub kernel: PathBuf,
    /// The boot archive.
    pub archive: PathBuf,
    /// Unstripped images by the name that the kernel prints in backtraces.
    pub unstripped: BTreeMap<String, PathBuf>,
}

/// Compiles everything in `request` and packs the archive.
pub fn build(root: &Path, arch: Arch, request: &Request) -> Result<Built> {
    let toolchain = Toolchain::find(root, arch).map_err(|reason| {
        anyhow::anyhow!("nothing can build for {arch}: {reason}; `./ftl doctor` sets it up")
    })?;
    let folder = workspace::build_folder(root, arch);
    std::fs::create_dir_all(folder.join("unstripped"))?;
    prune(&folder.join("unstripped"));

    let kernel_elf = compile(root, &toolchain, arch.kernel_target(), &["kernel"])?
        .remove("kernel")
        .context("the package `kernel` has no program `kernel`")?;
    let mut packages: Vec<&str> = vec![&request.init];
    packages.extend(
        request
            .components
            .iter()
            .map(|(_, package)| package.as_str()),
    );
    packages.sort_unstable();
    packages.dedup();
    let programs = compile(root, &toolchain, arch.component_target(), &packages)?;
    let program = |package: &str| {
        programs.get(package).cloned().with_context(|| {
            format!("the package `{package}` has no program `{package}` (src/main.rs)")
        })
    };

    let mut files = vec![("init".to_owned(), program(&request.init)?)];
    for (name, package) in &request.components {
        files.push((format!("components/{name}"), program(package)?));
    }
    for (name, path) in &request.images {
        files.push((name.clone(), path.clone()));
    }

    let mut unstripped = BTreeMap::new();
    let mut archive = Archive::default();
    let mut breaches = Vec::new();
    for (entry, path) in &files {
        let elf = read(path)?;
        breaches.extend(inspect_image(&elf, arch, Owner::Component, path)?);
        let name = entry.rsplit('/').next().unwrap_or(entry);
        unstripped.insert(name.to_owned(), keep_unstripped(&folder, name, &elf)?);
        archive.add(
            entry,
            &image::strip(&elf).with_context(|| path.display().to_string())?,
        )?;
    }
    if let Some(plan) = &request.plan {
        archive.add("plan", plan)?;
    }

    let elf = read(&kernel_elf)?;
    breaches.extend(inspect_image(&elf, arch, Owner::Kernel, &kernel_elf)?);
    if !breaches.is_empty() {
        bail!(
            "the machine code breaks rules:\n  {}",
            breaches.join("\n  ")
        );
    }
    unstripped.insert(
        "kernel".to_owned(),
        keep_unstripped(&folder, "kernel", &elf)?,
    );
    let bootable = match arch {
        Arch::Riscv64 => image::strip(&elf)?,
        Arch::Arm64 => {
            let flat = image::flatten(&elf)?;
            if image::has_arm64_boot_header(&flat) {
                flat
            } else {
                image::strip(&elf)?
            }
        }
    };
    let built = Built {
        kernel: folder.join(format!("{}.kernel", request.name)),
        archive: folder.join(format!("{}.tar", request.name)),
        unstripped,
    };
    write_if_changed(&built.kernel, &bootable)?;
    write_if_changed(&built.archive, &archive.finish())?;
    write_if_changed(
        &folder.join(format!("{}.json", request.name)),
        &serde_json::to_vec_pretty(&json!({ "unstripped": built.unstripped }))?,
    )?;
    Ok(built)
}

/// What an earlier [`build`] of this name left behind.
pub fn built_before(root: &Path, arch: Arch, name: &str) -> Result<Built> {
    let folder = workspace::build_folder(root, arch);
    let listing = folder.join(format!("{name}.json"));
    let text = std::fs::read(&listing).with_context(|| {
        format!("`{name}` has not been built for {arch}; leave out --no-build to build it")
    })?;
    let listing: serde_json::Value = serde_json::from_slice(&text)?;
    let unstripped = listing["unstripped"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, path)| Some((name.clone(), PathBuf::from(path.as_str()?))))
        .collect();
    Ok(Built {
        kernel: folder.join(format!("{name}.kernel")),
        archive: folder.join(format!("{name}.tar")),
        unstripped,
    })
}

/// Runs cargo for some packages; gives each program's file by its name.
fn compile(
    root: &Path,
    toolchain: &Toolchain,
    target: &str,
    packages: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    let what = match packages {
        [one] => (*one).to_owned(),
        more => format!("{} components", more.len()),
    };
    let step = Step::start(format!("building {what} with {}", toolchain.name));
    let mut command = toolchain.cargo(root, "build", target);
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
            if let (true, Some(program)) = (artifact.target.is_bin(), artifact.executable) {
                programs.insert(artifact.target.name, program.into_std_path_buf());
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
fn inspect_image(elf: &[u8], arch: Arch, owner: Owner, path: &Path) -> Result<Vec<String>> {
    let name = path.file_name().unwrap_or_default().display().to_string();
    let found = inspect::inspect(elf, arch, owner).with_context(|| path.display().to_string())?;
    Ok(found
        .into_iter()
        .map(|breach| format!("{name}: {breach}"))
        .collect())
}

/// Copies an image to where [`crate::symbols`] finds it.
fn keep_unstripped(folder: &Path, name: &str, elf: &[u8]) -> Result<PathBuf> {
    let id = image::build_id(elf).unwrap_or_else(|| name.to_owned());
    let path = folder.join("unstripped").join(id);
    write_if_changed(&path, elf)?;
    Ok(path)
}

/// Removes unstripped images that nobody has built for a week.
fn prune(folder: &Path) {
    let limit = SystemTime::now() - Duration::from_secs(7 * 24 * 3600);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        if changed.is_ok_and(|time| time < limit) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
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
