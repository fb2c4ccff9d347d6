//! Which Rust builds the kernel and the components.
//!
//! Two kinds of installation can do it, and both pass the same tests:
//!
//! 1. rustup's, once the bare-metal targets are added to it. It brings its own linker.
//! 2. Debian's `rustc-web`, `cargo-web` and `rust-web-src`. These have no bare-metal targets, so
//!    `core` and `alloc` are built from source, which a stable cargo does only when
//!    `RUSTC_BOOTSTRAP=1` lets it. The linker is `ld.lld` of the package `lld`.
//!
//! The host's own programs (this tool, host tests) are built with whatever cargo `./ftl` found.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::arch::Arch;

/// A way to build for a bare machine.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The cargo to start.
    pub cargo: PathBuf,
    /// Its rustc, where it must be said.
    pub rustc: Option<PathBuf>,
    /// Whether `core` and `alloc` have to be built from source.
    pub build_std: bool,
    /// For people: `rustup 1.95.0` or `Debian 1.96.0`.
    pub name: String,
}

impl Toolchain {
    /// Looks for one that can build for `arch`. `Err` says, for people, why there is none.
    ///
    /// `FTL_TOOLCHAIN=rustup` or `debian` looks for that kind only.
    pub fn find(root: &Path, arch: Arch) -> Result<Toolchain, String> {
        match std::env::var("FTL_TOOLCHAIN").as_deref() {
            Ok("rustup") => return rustup(root, arch),
            Ok("debian") => return debian(),
            _ => {}
        }
        let rustup = match rustup(root, arch) {
            Ok(toolchain) => return Ok(toolchain),
            Err(reason) => reason,
        };
        debian().map_err(|debian| format!("{rustup}; {debian}"))
    }

    /// A `cargo` command for a bare-metal `target`. The caller adds packages and profile.
    pub fn cargo(&self, root: &Path, subcommand: &str, target: &str) -> Command {
        let mut command = self.cargo_plain(root, &[subcommand]);
        command.args(["--target", target]);
        command.envs(c_environment(root, target));
        if self.build_std {
            command.arg("-Zbuild-std=core,alloc");
            command.env(
                format!(
                    "CARGO_TARGET_{}_LINKER",
                    target.to_uppercase().replace('-', "_")
                ),
                "ld.lld",
            );
        }
        command
    }

    /// A `cargo` command that builds nothing for a bare machine.
    pub fn cargo_plain(&self, root: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(root).args(arguments);
        // `./ftl` may have said which rustc builds for the host; that says nothing about this.
        match &self.rustc {
            Some(rustc) => command.env("RUSTC", rustc),
            None => command.env_remove("RUSTC"),
        };
        if self.build_std {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }
}

/// How C is compiled for a bare machine, for the crate `cc` and the build script of `libsqlite3-sys`. SQLite is the one
/// program in C (libs/sqlite): it gets the few headers that it includes, and leaves out what nobody here uses.
fn c_environment(root: &Path, target: &str) -> Vec<(String, String)> {
    let machine = match target.split('-').next() {
        Some("aarch64") => "--target=aarch64-unknown-none-elf -mno-outline-atomics",
        _ => "--target=riscv64-unknown-none-elf -march=rv64gc -mabi=lp64d -mcmodel=medany",
    };
    let include = root.join("libs/sqlite/include");
    let target = target.replace('-', "_");
    let flags = format!(
        "{machine} -O2 -fPIC -ffreestanding -nostdlibinc -fno-stack-protector -ffunction-sections \
         -fdata-sections -fno-math-errno -fno-omit-frame-pointer -isystem {}",
        include.display()
    );
    let left_out = [
        "-DSQLITE_OS_OTHER=1",
        "-USQLITE_THREADSAFE -DSQLITE_THREADSAFE=0",
        "-DSQLITE_OMIT_LOAD_EXTENSION -USQLITE_ENABLE_LOAD_EXTENSION",
        "-DSQLITE_OMIT_LOCALTIME -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_DEPRECATED",
        "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5",
        "-USQLITE_ENABLE_RTREE -USQLITE_ENABLE_STAT4 -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_SOUNDEX",
        "-USQLITE_USE_URI -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_TEMP_STORE=3",
        "-DSQLITE_OMIT_DESERIALIZE -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_UNTESTABLE -DSQLITE_MAX_EXPR_DEPTH=100",
    ];
    vec![
        (format!("CC_{target}"), "clang".into()),
        (format!("AR_{target}"), "llvm-ar".into()),
        (format!("CFLAGS_{target}"), flags),
        ("CRATE_CC_NO_DEFAULTS".into(), "1".into()),
        ("LIBSQLITE3_FLAGS".into(), left_out.join(" ")),
    ]
}

/// rustup's active toolchain, if it has, or can be given, the targets for `arch`.
fn rustup(root: &Path, arch: Arch) -> Result<Toolchain, String> {
    let rustup = crate::doctor::find_program("rustup").ok_or("rustup is not there")?;
    let bin = rustup.parent().unwrap_or(Path::new("/")).to_owned();
    let cargo = bin.join("cargo");
    let rustc = bin.join("rustc");
    let version = rustc_version(&rustc)
        .map_err(|error| format!("rustup has no usable toolchain ({error:#})"))?;
    let sysroot = output(
        Command::new(&rustc)
            .current_dir(root)
            .args(["--print", "sysroot"]),
    )
    .map_err(|error| format!("{error:#}"))?;
    let targets = [arch.kernel_target(), arch.component_target()];
    let has_targets = || {
        targets.iter().all(|target| {
            Path::new(sysroot.trim())
                .join("lib/rustlib")
                .join(target)
                .join("lib")
                .exists()
        })
    };
    if !has_targets() {
        // Tried once; a machine that cannot reach rustup's server must not wait at each start.
        let tried = root
            .join("build")
            .join(format!("no-rustup-targets-{arch}-{version}"));
        if !tried.exists() {
            let added = run_at_most(
                Command::new(&rustup).args(["target", "add"]).args(targets),
                Duration::from_secs(90),
            );
            if !added || !has_targets() {
                let _ = std::fs::create_dir_all(root.join("build"));
                let _ = std::fs::write(&tried, "`./ftl doctor` tries again\n");
            }
        }
        if !has_targets() {
            return Err(format!(
                "rustup has no target {} (`rustup target add {}` failed)",
                targets[1],
                targets.join(" ")
            ));
        }
    }
    Ok(Toolchain {
        cargo,
        rustc: None,
        build_std: false,
        name: format!("rustup {version}"),
    })
}

/// Lets [`Toolchain::find`] ask rustup for the targets again.
pub fn forget_failures(root: &Path) {
    for entry in std::fs::read_dir(root.join("build"))
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("no-rustup-targets-")
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Debian's packages.
fn debian() -> Result<Toolchain, String> {
    let cargo = PathBuf::from("/usr/bin/cargo");
    let rustc = PathBuf::from("/usr/bin/rustc");
    if !cargo.exists() || !rustc.exists() {
        return Err("Debian's cargo-web and rustc-web are not there".into());
    }
    let version = rustc_version(&rustc).map_err(|error| format!("{error:#}"))?;
    let minor: u32 = version
        .split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok())
        .unwrap_or(0);
    if minor < 85 {
        return Err(format!("/usr/bin/rustc is {version}, and 1.85 is needed"));
    }
    let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))
        .map_err(|error| format!("{error:#}"))?;
    if !Path::new(sysroot.trim())
        .join("lib/rustlib/src/rust/library/core/Cargo.toml")
        .exists()
    {
        return Err("the source of Rust's library (rust-web-src) is not there".into());
    }
    if crate::doctor::find_program("ld.lld").is_none() {
        return Err("the linker ld.lld (lld) is not there".into());
    }
    Ok(Toolchain {
        cargo,
        rustc: Some(rustc),
        build_std: true,
        name: format!("Debian {version}"),
    })
}

/// `1.96.0` out of `rustc 1.96.0 (…)`.
fn rustc_version(rustc: &Path) -> Result<String> {
    let text = output(Command::new(rustc).arg("--version"))?;
    text.split_whitespace()
        .nth(1)
        .map(str::to_owned)
        .with_context(|| format!("`{} --version` answers `{}`", rustc.display(), text.trim()))
}

/// What a command prints, if it succeeds.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    anyhow::ensure!(
        output.status.success(),
        "{} failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command silently; false if it fails or takes longer than `limit`.
fn run_at_most(command: &mut Command, limit: Duration) -> bool {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}
