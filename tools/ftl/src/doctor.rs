//! What the host needs, what it has, and how to get the rest.
//!
//! [`needs`] looks; [`set_up`] installs what is missing: at once as root, in CI (`CI=true`) or
//! with `--yes`; on a terminal after one question; otherwise it prints the command and fails.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::arch::Arch;
use crate::report::Step;
use crate::toolchain::{self, Toolchain};
use crate::uefi::firmware::Firmware;

/// The oldest QEMU that is known to work.
const QEMU_MIN: (u32, u32) = (7, 2);

/// One thing that the host needs.
pub struct Need {
    /// For people.
    pub what: String,
    /// What was found, or why it does not do.
    pub found: Result<String, String>,
    /// Whether FTL can be built and run without it; then only a test step is left out.
    pub optional: bool,
    /// What each system's package manager calls it.
    debian: &'static [&'static str],
    ubuntu: &'static [&'static str],
    homebrew: &'static [&'static str],
}

/// What a command is about to do, and so what it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Compile only.
    Build,
    /// Compile and boot.
    Run,
    /// Compile, and boot by way of UEFI firmware.
    Uefi,
    /// Compile, boot, and look into the machine with a debugger.
    Debug,
    /// Compile, boot, format check and lints.
    Test,
}

/// Looks for everything that `purpose` needs on `archs`.
pub fn needs(root: &Path, archs: &[Arch], purpose: Purpose) -> Vec<Need> {
    let mut needs = Vec::new();
    for &arch in archs {
        needs.push(Need {
            what: format!("Rust for {arch}"),
            found: Toolchain::find(root, arch).map(|toolchain| toolchain.name),
            optional: false,
            debian: &["rustc-web", "cargo-web", "rust-web-src", "lld"],
            ubuntu: &["rustup", "gcc", "libc6-dev"],
            homebrew: &["rustup"],
        });
    }
    needs.push(Need {
        what: "clang, for SQLite".into(),
        found: clang(),
        optional: false,
        debian: &["clang", "llvm"],
        ubuntu: &["clang", "llvm"],
        homebrew: &["llvm"],
    });
    if purpose != Purpose::Build {
        for &arch in archs {
            needs.push(Need {
                what: arch.qemu().to_owned(),
                found: qemu_version(arch).map(|(major, minor)| format!("{major}.{minor}")),
                optional: false,
                debian: match arch {
                    Arch::Riscv64 => &["qemu-system-misc"],
                    Arch::Arm64 => &["qemu-system-arm"],
                },
                // Since 24.10 `qemu-system-misc` no longer holds RISC-V, but installs what does.
                ubuntu: match arch {
                    Arch::Riscv64 => &["qemu-system-misc"],
                    Arch::Arm64 => &["qemu-system-arm"],
                },
                homebrew: &["qemu"],
            });
        }
        if archs.contains(&Arch::Riscv64) {
            needs.push(Need {
                what: "RISC-V firmware (OpenSBI)".into(),
                found: opensbi(),
                optional: false,
                debian: &["opensbi"],
                ubuntu: &["opensbi"],
                homebrew: &["qemu"],
            });
        }
    }
    if matches!(purpose, Purpose::Uefi | Purpose::Test) && archs.contains(&Arch::Arm64) {
        needs.push(Need {
            what: "UEFI firmware for arm64".into(),
            found: Firmware::find().map(|_| "found".into()),
            optional: false,
            debian: &["qemu-efi-aarch64"],
            ubuntu: &["qemu-efi-aarch64"],
            homebrew: &["qemu"],
        });
    }
    if matches!(purpose, Purpose::Debug | Purpose::Test) {
        needs.push(Need {
            what: "gdb for all machines".into(),
            found: match find_gdb() {
                Some(_) => Ok("found".into()),
                None => Err("there is no program `gdb-multiarch`".into()),
            },
            optional: purpose == Purpose::Test,
            debian: &["gdb-multiarch"],
            ubuntu: &["gdb-multiarch"],
            homebrew: &["gdb"],
        });
    }
    if purpose == Purpose::Test {
        needs.push(Need {
            what: "cargo fmt".into(),
            found: cargo_extension(root, "fmt"),
            optional: true,
            debian: &["rustfmt-web"],
            ubuntu: &["rustup"],
            homebrew: &["rustup"],
        });
        needs.push(Need {
            what: "cargo clippy".into(),
            found: cargo_extension(root, "clippy"),
            optional: true,
            debian: &["rust-web-clippy"],
            ubuntu: &["rustup"],
            homebrew: &["rustup"],
        });
        needs.push(Need {
            what: "wrk, to keep the web server busy".into(),
            found: program("wrk"),
            optional: true,
            debian: &["wrk"],
            ubuntu: &["wrk"],
            homebrew: &["wrk"],
        });
        needs.push(Need {
            what: "ab, which keeps it busy in another way".into(),
            found: program("ab"),
            optional: true,
            debian: &["apache2-utils"],
            ubuntu: &["apache2-utils"],
            homebrew: &["httpd"],
        });
        needs.push(Need {
            what: "curl, to ask the web server for files".into(),
            found: program("curl"),
            optional: true,
            debian: &["curl"],
            ubuntu: &["curl"],
            homebrew: &["curl"],
        });
        needs.push(Need {
            what: "ssh, to come in over the network".into(),
            found: program("ssh"),
            optional: true,
            debian: &["openssh-client"],
            ubuntu: &["openssh-client"],
            homebrew: &["openssh"],
        });
        needs.push(Need {
            what: "sqlite3, to read disks and logs from outside".into(),
            found: program("sqlite3"),
            optional: true,
            debian: &["sqlite3"],
            ubuntu: &["sqlite3"],
            homebrew: &["sqlite"],
        });
        needs.push(Need {
            what: "chromium, to try the page in a browser".into(),
            found: chromium(),
            optional: true,
            debian: &["chromium"],
            ubuntu: &["chromium-browser"],
            homebrew: &["chromium"],
        });
    }
    needs
}

/// `./ftl doctor`: lists everything, installs what is missing. Returns what is there then.
pub fn doctor(root: &Path, archs: &[Arch], yes: bool) -> Result<Vec<serde_json::Value>> {
    toolchain::forget_failures(root);
    for need in needs(root, archs, Purpose::Test) {
        // What is missing is told by what installs it.
        if let Ok(version) = &need.found {
            say!("ok: {}: {version}", need.what);
        }
    }
    set_up(root, archs, Purpose::Test, yes)?;
    say!("all there");
    let needs = needs(root, archs, Purpose::Test);
    let told = needs.iter().map(|need| {
        serde_json::json!({
            "what": need.what,
            "found": need.found.as_ref().ok(),
            "missing": need.found.as_ref().err(),
            "optional": need.optional,
        })
    });
    Ok(told.collect())
}

/// Makes sure that everything `purpose` needs is there.
pub fn set_up(root: &Path, archs: &[Arch], purpose: Purpose, yes: bool) -> Result<()> {
    let missing = missing(root, archs, purpose);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.what.as_str()).collect();
    for need in &missing {
        if let Err(reason) = &need.found {
            say!("missing: {}: {reason}", need.what);
        }
    }

    let required_missing = missing.iter().any(|need| !need.optional);
    let Some(commands) = install_commands(&missing) else {
        if required_missing {
            bail!("no package manager that this tool knows is here; install the above by hand");
        }
        return Ok(());
    };
    let command_line = commands
        .iter()
        .map(|words| words.join(" "))
        .collect::<Vec<_>>()
        .join(" && ");
    if !may_install(&command_line, yes)? {
        if required_missing {
            bail!("install what is missing with\n  {command_line}\nor start again with --yes");
        }
        return Ok(());
    }

    let step = Step::start(format!("installing {}", names.join(", ")));
    for words in &commands {
        if let Err(error) = install(words) {
            step.failed();
            if required_missing {
                return Err(error);
            }
            say!("{error:#}");
            return Ok(());
        }
    }
    step.done();

    toolchain::forget_failures(root);
    for need in self::missing(root, archs, purpose) {
        let Err(reason) = need.found else { continue };
        if !need.optional {
            bail!("{} is still missing: {reason}", need.what);
        }
        say!("{} could not be had: {reason}", need.what);
    }
    Ok(())
}

fn missing(root: &Path, archs: &[Arch], purpose: Purpose) -> Vec<Need> {
    let mut needs = needs(root, archs, purpose);
    needs.retain(|need| need.found.is_err());
    needs
}

/// The commands, each as its words, that install `missing` here.
fn install_commands(missing: &[Need]) -> Option<Vec<Vec<String>>> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    if find_program("apt-get").is_some() {
        let debian = is_debian();
        let packages: BTreeSet<&str> = missing
            .iter()
            .flat_map(|need| if debian { need.debian } else { need.ubuntu })
            .copied()
            .collect();
        let sudo = if is_root() { "" } else { "sudo " };
        let mut install = words(&format!(
            "{sudo}apt-get install -qy --no-install-recommends"
        ));
        let with_rustup = packages.contains("rustup");
        install.extend(packages.into_iter().map(str::to_owned));
        let mut commands = vec![words(&format!("{sudo}apt-get update -q")), install];
        if with_rustup {
            commands.push(words("rustup default stable"));
        }
        return Some(commands);
    }
    if find_program("brew").is_some() {
        let packages: BTreeSet<&str> = missing
            .iter()
            .flat_map(|need| need.homebrew)
            .copied()
            .collect();
        let with_rustup = packages.contains("rustup");
        let mut install = words("brew install");
        install.extend(packages.into_iter().map(str::to_owned));
        let mut commands = vec![install];
        if with_rustup {
            commands.push(words("rustup default stable"));
        }
        return Some(commands);
    }
    None
}

/// Whether this is Debian itself, whose security updates bring a new Rust as `rustc-web`.
fn is_debian() -> bool {
    std::fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn may_install(command_line: &str, yes: bool) -> Result<bool> {
    let at_once = yes
        || is_root()
        || std::env::var_os("CI").is_some_and(|value| value == "true")
        || std::env::var_os("FTL_YES").is_some_and(|value| !value.is_empty());
    if at_once {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    crate::speech::say(format_args!("  {command_line}\nrun this now? [Y/n] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(!answer.trim_start().to_lowercase().starts_with('n'))
}

/// Runs one installing command; what it prints is shown only if it fails.
fn install(words: &[String]) -> Result<()> {
    let output = Command::new(&words[0])
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", words[0]))?;
    if !output.status.success() {
        say!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        bail!("`{}` failed; the lines above say why", words.join(" "));
    }
    Ok(())
}

/// A program's path, from `PATH` and the places where rustup and Homebrew put theirs.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        folders.push(PathBuf::from(home).join("bin"));
    }
    if let Some(home) = std::env::var_os("HOME") {
        folders.push(PathBuf::from(home).join(".cargo/bin"));
    }
    folders.push("/opt/homebrew/opt/rustup/bin".into());
    folders.push("/opt/homebrew/opt/lld/bin".into());
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The version of QEMU for `arch`, or why it does not do.
pub fn qemu_version(arch: Arch) -> Result<(u32, u32), String> {
    let program = find_program(arch.qemu()).ok_or("not installed")?;
    let text = toolchain::output(Command::new(program).arg("--version"))
        .map_err(|error| format!("{error:#}"))?;
    let version = parse_qemu_version(&text).ok_or_else(|| {
        format!(
            "cannot read its version from `{}`",
            text.lines().next().unwrap_or("")
        )
    })?;
    if version < QEMU_MIN {
        return Err(format!(
            "it is version {}.{}, and {}.{} or newer is needed: from your system's backports or https://www.qemu.org/download",
            version.0, version.1, QEMU_MIN.0, QEMU_MIN.1
        ));
    }
    Ok(version)
}

fn parse_qemu_version(text: &str) -> Option<(u32, u32)> {
    let version = text.split("version ").nth(1)?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// C compiler and archiver for bare machines: Apple's clang knows RISC-V, but brings no `llvm-ar`.
fn clang() -> Result<String, String> {
    for program in ["clang", "llvm-ar"] {
        if find_program(program).is_none() {
            return Err(format!("there is no program `{program}`"));
        }
    }
    let version = toolchain::output(Command::new("clang").arg("--version"))
        .map_err(|error| format!("{error:#}"))?;
    Ok(version.lines().next().unwrap_or("clang").to_owned())
}

fn chromium() -> Result<String, String> {
    let output = Command::new("chromium").arg("--version").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("`chromium --version` failed: {}", output.status)),
        Err(_) => Err("there is no program `chromium`".to_owned()),
    }
}

/// A gdb that knows both machines. Debian's plain one knows its own alone, Homebrew's knows all.
pub fn find_gdb() -> Option<PathBuf> {
    find_program("gdb-multiarch")
        .or_else(|| find_program("gdb").filter(|_| cfg!(target_os = "macos")))
}

/// Not every program has an option that only tells its version and then succeeds.
fn program(name: &str) -> Result<String, String> {
    match find_program(name) {
        Some(_) => Ok("found".into()),
        None => Err(format!("there is no program `{name}`")),
    }
}

/// Debian has the firmware in a package of its own; elsewhere QEMU brings it.
fn opensbi() -> Result<String, String> {
    const NAME: &str = "opensbi-riscv64-generic-fw_dynamic.bin";
    let mut folders = vec![
        PathBuf::from("/usr/share/qemu"),
        PathBuf::from("/usr/share/opensbi"),
    ];
    if let Some(qemu) = find_program(Arch::Riscv64.qemu()) {
        let qemu = qemu.canonicalize().unwrap_or(qemu);
        if let Some(prefix) = qemu.parent().and_then(Path::parent) {
            folders.push(prefix.join("share/qemu"));
        }
    }
    if folders.iter().any(|folder| folder.join(NAME).exists()) {
        Ok("found".into())
    } else {
        Err(format!("no {NAME} beside QEMU"))
    }
}

/// `cargo fmt` and `cargo clippy` of the cargo that builds for the host.
fn cargo_extension(root: &Path, name: &str) -> Result<String, String> {
    toolchain::output(host_cargo().current_dir(root).args([name, "--version"]))
        .map(|text| text.trim().to_owned())
        .map_err(|_| format!("`cargo {name}` does not start"))
}

/// The cargo that builds for the host: the one that `./ftl` found.
pub fn host_cargo() -> Command {
    Command::new(std::env::var_os("FTL_CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_qemu_versions() {
        let debian = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)";
        assert_eq!(parse_qemu_version(debian), Some((7, 2)));
        assert_eq!(
            parse_qemu_version("QEMU emulator version 10.0.2"),
            Some((10, 0))
        );
        assert_eq!(parse_qemu_version("something else"), None);
        assert!((6, 9) < QEMU_MIN && (10, 0) > QEMU_MIN);
    }
}
