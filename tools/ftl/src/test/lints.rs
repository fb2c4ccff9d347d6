//! Format, and lints for the host and for bare machines.
//!
//! On the host, clippy's compiler is what compiles the tests ([`Linter`]), so that nothing is read once for lints and
//! once more for tests. It is not the one to make what boots: it leaves out optimisations. Components know of no
//! architecture (a house rule) and are compiled in their tests, so that what can be found in them is found there; on a
//! bare machine only those are looked through that have code for it. Whether the compiler itself warns of anything
//! is seen when systems are built.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::host_cargo;
use super::step::{self, Outcome};
use crate::arch::Arch;
use crate::toolchain::{self, Toolchain};
use crate::workspace;

/// What a step came to; `Err` says for people why it cannot be tried on this computer.
pub type Tried = Result<Outcome, (String, String)>;

/// Whether there is `cargo NAME`. `Err` says for people that there is not.
fn extension(root: &Path, name: &str) -> Result<(), String> {
    toolchain::output(host_cargo(root).args([name, "--version"]))
        .map(drop)
        .map_err(|_| format!("`cargo {name}` is not there, and set-up could not install it"))
}

/// Whether all is formatted.
pub fn format(root: &Path) -> Tried {
    let name = "format";
    extension(root, "fmt").map_err(|reason| (name.to_owned(), reason))?;
    let mut command = host_cargo(root);
    // Only names of files: whoever sees this runs `cargo fmt --all` anyway.
    command.args(["fmt", "--all", "--", "--check", "-l"]);
    Ok(step::run(name, command))
}

/// Clippy's compiler for the host.
#[derive(Clone, Debug)]
pub struct Linter(PathBuf);

impl Linter {
    /// Where it lies, if it is there.
    pub fn find(root: &Path) -> Result<Linter, String> {
        extension(root, "clippy")?;
        let cargo = host_cargo(root).get_program().to_owned();
        let rustc = std::env::var_os("RUSTC")
            .map_or_else(|| Path::new(&cargo).with_file_name("rustc"), PathBuf::from);
        let mut command = Command::new(rustc);
        command.current_dir(root).args(["--print", "sysroot"]);
        let sysroot = toolchain::output(&mut command).map_err(|error| format!("{error:#}"))?;
        let driver = Path::new(sysroot.trim()).join("bin/clippy-driver");
        match driver.is_file() {
            true => Ok(Linter(driver)),
            false => Err(format!("there is no {}", driver.display())),
        }
    }

    /// Lets cargo compile the workspace with it, as `cargo clippy -- -D warnings` does. Cargo keeps the outcome apart
    /// from what the plain compiler makes, so all commands that are to share it must be told.
    pub fn compile(&self, command: &mut Command) {
        command.env("RUSTC_WORKSPACE_WRAPPER", &self.0).env(
            "CLIPPY_ARGS",
            "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
        );
    }
}

/// Compiles all tests for the host, with lints.
pub fn host(root: &Path, linter: Result<&Linter, &String>) -> Tried {
    let name = "lints and tests, compiled for the host";
    let linter = linter.map_err(|reason| (name.to_owned(), reason.clone()))?;
    let mut command = host_cargo(root);
    command.args(["test", "--quiet", "--workspace", "--no-run"]);
    linter.compile(&mut command);
    Ok(step::run(name, command))
}

/// Lints of what has code for bare machines; with `components` of all components, too.
pub fn bare_metal(root: &Path, arch: Arch, components: bool) -> Vec<Tried> {
    try_bare_metal(root, arch, components)
        .unwrap_or_else(|reason| vec![Err((format!("lints for {arch}"), reason))])
}

fn try_bare_metal(root: &Path, arch: Arch, components: bool) -> Result<Vec<Tried>, String> {
    let toolchain = Toolchain::find(root, arch)?;
    let available = toolchain::output(&mut toolchain.cargo_plain(root, &["clippy", "--version"]))
        .map(drop)
        .map_err(|_| format!("{} has no clippy", toolchain.name));
    let lint = |name: &str, target: &str, packages: &[String]| -> Tried {
        let name = format!("lints, {name} for {arch}");
        if let Err(reason) = &available {
            return Err((name, reason.clone()));
        }
        let mut command = toolchain.cargo(root, "clippy", target);
        command.args(["--quiet", "--release"]);
        for package in packages {
            command.args(["--package", package]);
        }
        command.args(["--", "-D", "warnings"]);
        Ok(step::run(&name, command))
    };
    let packages: Vec<String> = workspace::packages(root)
        .map_err(|error| format!("{error:#}"))?
        .into_iter()
        .filter(|(path, _)| {
            // What calls the kernel, and what has its own limits on bare machines.
            path == "api"
                || path == "libs/sqlite"
                || components && (path == "interfaces" || path.starts_with("components/"))
        })
        .map(|(_, name)| name)
        .collect();
    let mut tried = Vec::new();
    if crate::uefi::check(arch).is_ok() {
        let target = arch.component_target();
        tried.push(lint("boot loader", target, &["uefi_loader".into()]));
    }
    tried.push(lint("kernel", arch.kernel_target(), &["kernel".into()]));
    if !packages.is_empty() {
        let name = if components { "components" } else { "API" };
        tried.push(lint(name, arch.component_target(), &packages));
    }
    Ok(tried)
}
