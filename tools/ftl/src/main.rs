//! The command line of `./ftl`. Each command's work is in the library beside this file.
// They panic when nobody is there to hear it; see `speech`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::json;

use ftl_tool::arch::Arch;
use ftl_tool::attach;
use ftl_tool::bench::budgets::{self, Budgets};
use ftl_tool::bench::{self, Measured, Wanted, profile};
use ftl_tool::book;
use ftl_tool::build::{self, Built, Request};
use ftl_tool::closure;
use ftl_tool::debug;
use ftl_tool::disk::Images;
use ftl_tool::doctor::{self, Purpose};
use ftl_tool::dump::{self, Dump};
use ftl_tool::fat_disk::FatImage;
use ftl_tool::host_port::Printed;
use ftl_tool::new::{self};
use ftl_tool::pack;
use ftl_tool::qemu::{Bus, Machine, Port};
use ftl_tool::report;
use ftl_tool::run::{self, Options, STATUS_TOOL};
use ftl_tool::speech;
use ftl_tool::systems::{self, Isolation, Variant};
use ftl_tool::test::{self, Selection};
use ftl_tool::toolchain::Toolchain;
use ftl_tool::trace;
use ftl_tool::uefi::firmware::Firmware;
use ftl_tool::uefi::{self, TemporaryDisk, boot_disk};
use ftl_tool::variants;
use ftl_tool::workspace;
use ftl_tool::{answer, say};

mod arguments;

use arguments::*;

fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { STATUS_TOOL } else { 0 });
        }
    };
    let json = command_line.json;
    match execute(command_line) {
        Ok(code) => code,
        Err(error) => {
            say!("error: {error:#}");
            if json {
                let _ = answer!("{}", answer::failure(&error));
            }
            ExitCode::from(STATUS_TOOL)
        }
    }
}

fn execute(command_line: CommandLine) -> Result<ExitCode> {
    let root = workspace::root()?;
    let (yes, json) = (command_line.yes, command_line.json);
    match command_line.command {
        Command::Run(arguments) => return run(&root, arguments, yes, json, None),
        Command::Trace(arguments) => return trace(&root, arguments, yes),
        Command::Debug(arguments) => return debug(&root, arguments, yes),
        Command::Build(arguments) => {
            doctor::set_up(&root, &[arguments.arch], Purpose::Build, yes)?;
            let (request, _) = request(&root, &arguments, WayIn::at_terminal(), false, true)?;
            let built = build::build(&root, arguments.arch, &request)?;
            let shown = built.archive.strip_prefix(&root).unwrap_or(&built.archive);
            say!("built {}", shown.display());
            answer::tell(
                json,
                true,
                json!({ "archive": shown, "kernel": built.kernel }),
            )?;
        }
        Command::Image(arguments) => image(&root, &arguments, yes, json)?,
        Command::Bench(arguments) => return bench(&root, arguments, yes, json),
        Command::New { kind, name, arch } => new::new(&root, kind, &name, arch)?,
        Command::Gen { accept } => {
            let mut written = systems::accept(&root, &accept)?;
            written.extend(systems::refresh_files(&root)?);
            written.extend(book::refresh(&root)?);
            answer::tell(json, true, json!({ "written": written }))?;
        }
        Command::Check => return check(&root, json),
        Command::Test(arguments) => {
            let archs_chosen = !arguments.arch.is_empty();
            let archs = match arguments.arch {
                none if none.is_empty() => Arch::ALL.to_vec(),
                archs => archs,
            };
            doctor::set_up(&root, &archs, Purpose::Test, yes)?;
            let selection = Selection {
                filter: arguments.filter,
                long: arguments.long,
                archs,
                archs_chosen,
            };
            let passed = test::test(&root, &selection, |arch| {
                build_for_tests(&root, arch, variants::boots(arch, &selection))
            })?;
            answer::tell(json, passed, json!({}))?;
            return Ok(ExitCode::from(u8::from(!passed)));
        }
        Command::Disk { arguments } => return disk(&root, &arguments),
        Command::Attach { socket } => return Ok(ExitCode::from(attach::attach(&socket)?)),
        Command::Dump { dump: None, .. } => dump::print_list(&root)?,
        Command::Dump {
            dump: Some(which),
            what,
        } => show_dump(&root, &which, &what, yes)?,
        Command::Doctor => {
            let needs = doctor::doctor(&root, &Arch::ALL, yes)?;
            answer::tell(json, true, json!({ "needs": needs }))?;
        }
        Command::Clean => clean(&root)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a disk that firmware boots a system from. Whoever boots it sits at its console.
fn image(root: &Path, arguments: &ImageArguments, yes: bool, json: bool) -> Result<()> {
    let arch = arguments.build.arch;
    doctor::set_up(root, &[arch], Purpose::Build, yes)?;
    uefi::check(arch)?;
    let (request, _) = request(root, &arguments.build, WayIn::Console, false, true)?;
    let built = build::build(root, arch, &request)?;
    let disk = uefi::disk(root, arch, &built, &arguments.append.join(" "), true)?;
    boot_disk::write(&arguments.output, &disk)?;
    say!("wrote {}", arguments.output.display());
    answer::tell(json, true, json!({ "image": arguments.output }))?;
    Ok(())
}

/// Runs a system, has it traced, and makes the file.
fn trace(root: &Path, mut arguments: TraceArguments, yes: bool) -> Result<ExitCode> {
    let commands = arguments.run.exec.as_deref().unwrap_or("sleep 2");
    arguments.run.exec = Some(trace::script(commands, arguments.buffer));
    let printed = Printed::default();
    let code = run(root, arguments.run, yes, false, Some(printed.clone()))?;
    let printed = printed.take();
    let summary = trace::convert(&printed, &mut std::io::stdout(), &arguments.output)?;
    tell_trace(&arguments.output, &summary);
    Ok(code)
}

/// Says what a trace came to.
fn tell_trace(file: &Path, summary: &trace::Summary) {
    say!(
        "{}: {} records over {:.3} ms{}; open it at https://ui.perfetto.dev",
        file.display(),
        summary.records,
        summary.nanoseconds as f64 / 1e6,
        match summary.lost {
            0 => String::new(),
            lost => format!(
                " ({lost} earlier ones were written over; a shorter run or a larger --buffer keeps all)"
            ),
        }
    );
}

/// A machine that can be started, and what it boots.
struct Prepared {
    machine: Machine,
    built: Built,
    /// Whether the system has something for whoever sits at the console.
    has_console: bool,
    /// Kept until the machine has ended: nobody else may open the images as databases meanwhile.
    _images: Option<Images>,
    /// Removed then.
    _boot_disk: Option<TemporaryDisk>,
}

/// Builds what the arguments say, and puts the machine together.
fn prepare(root: &Path, arguments: &RunArguments, way_in: WayIn) -> Result<Prepared> {
    let arch = arguments.build.arch;
    let bus = match (arguments.iommu, arguments.pci) {
        (true, _) if arch != Arch::Arm64 => {
            bail!("QEMU's {arch} machine has no IOMMU; `--arch arm64` has one")
        }
        (true, _) => Bus::PciBehindIommu,
        (false, true) => Bus::Pci,
        (false, false) if arguments.uefi => Bus::Pci,
        (false, false) => Bus::Mmio,
    };
    if arguments.uefi {
        uefi::check(arch)?;
    }
    // Where nothing is compiled, generated files need not be up to date.
    let compiles = !arguments.no_build && !pack::is_compiled(arch);
    let terminal = arguments.terminal.is_some();
    let (request, reach) = request(root, &arguments.build, way_in, terminal, compiles)?;
    let mut ports = arguments.port.clone();
    if ports.is_empty() && reach.network {
        ports.push(Port {
            host: 8080,
            guest: 80,
        });
    }
    // Before the build: whoever has to choose another port should not wait for it.
    Port::claim_all(&mut ports)?;
    let built: Built = if arguments.no_build {
        build::built_before(root, arch, &request.name)?
    } else {
        build::build(root, arch, &request)?
    };
    let images = arguments.disk.as_deref().map(Images::open).transpose()?;
    let mut extra: Vec<OsString> = images
        .iter()
        .flat_map(|images| images.arguments(bus))
        .collect();
    let fat = arguments.fat.as_deref().map(FatImage::open).transpose()?;
    extra.extend(fat.iter().flat_map(|image| image.arguments(bus)));
    extra.extend(arguments.qemu.iter().cloned());
    let counted = arguments.icount || arguments.seed.is_some();
    let mut machine = Machine {
        arch,
        kernel: built.kernel.clone(),
        archive: built.archive.clone(),
        smp: arguments.smp.unwrap_or(match counted {
            true => 1,
            false => 4,
        }),
        mem: arguments.mem.clone(),
        bus,
        ports,
        icount: arguments.icount,
        seed: arguments.seed,
        reboot: arguments.reboot,
        append: arguments.append.clone(),
        host_port: None,
        terminal: arguments.terminal.clone(),
        firmware: None,
        tap: None,
        extra,
    };
    let mut disk_of_boot = None;
    if arguments.uefi {
        let firmware = Firmware::find().map_err(anyhow::Error::msg)?;
        let with_archive = !arguments.without_archive;
        let disk = uefi::disk(root, arch, &built, &machine.command_line(), with_archive)?;
        let file = TemporaryDisk::new(&workspace::build_folder(root, arch));
        boot_disk::write(file.path(), &disk)?;
        machine.firmware = Some((firmware, file.path().to_owned()));
        disk_of_boot = Some(file);
    }
    Ok(Prepared {
        machine,
        built,
        has_console: reach.console,
        _images: images,
        _boot_disk: disk_of_boot,
    })
}

fn run(
    root: &Path,
    arguments: RunArguments,
    yes: bool,
    json: bool,
    printed: Option<Printed>,
) -> Result<ExitCode> {
    let purpose = match arguments.uefi {
        true => Purpose::Uefi,
        false => Purpose::Run,
    };
    doctor::set_up(root, &[arguments.build.arch], purpose, yes)?;
    let way_in = match &arguments.exec {
        Some(_) => WayIn::Exec,
        None if arguments.console => WayIn::Console,
        None => WayIn::at_terminal(),
    };
    let prepared = prepare(root, &arguments, way_in)?;
    // With `--json` the answer has what the commands print, too.
    let printed = printed.or_else(|| (json && arguments.exec.is_some()).then(Printed::default));
    let options = Options {
        timeout: arguments.timeout,
        verbose: arguments.verbose,
        json,
        exec: arguments.exec,
        console: prepared.has_console,
        printed,
        dumps: arguments.dumps,
    };
    let end = run::run(root, prepared.machine, &prepared.built, &options)?;
    Ok(ExitCode::from(end.status()))
}

/// Starts gdb on a machine, or on what is left of one.
fn debug(root: &Path, arguments: DebugArguments, yes: bool) -> Result<ExitCode> {
    if let Some(which) = &arguments.dump {
        let dump = Dump::find(root, which)?;
        doctor::set_up(root, &[], Purpose::Debug, yes)?;
        return Ok(ExitCode::from(dump.debug(root, &arguments.commands)?));
    }
    let arch = arguments.run.build.arch;
    if arguments.run.uefi {
        bail!("`./ftl debug` starts a machine at the kernel; leave out --uefi");
    }
    doctor::set_up(root, &[arch], Purpose::Debug, yes)?;
    let prepared = prepare(root, &arguments.run, WayIn::None)?;
    let code = debug::debug(root, prepared.machine, &prepared.built, &arguments.commands)?;
    Ok(ExitCode::from(code))
}

/// Prints what is in a dump.
fn show_dump(root: &Path, which: &str, what: &[String], yes: bool) -> Result<()> {
    let dump = Dump::find(root, which)?;
    if let [first, rest @ ..] = what
        && first == "trace"
    {
        let file = rest.first().map_or("out.pftrace", String::as_str);
        let summary = dump.trace(Path::new(file))?;
        tell_trace(Path::new(file), &summary);
        return Ok(());
    }
    doctor::set_up(root, &[], Purpose::Debug, yes)?;
    dump.show(root, what)
}

/// Builds the program for disk images, since it is a large one, and hands over to it.
fn disk(root: &Path, arguments: &[OsString]) -> Result<ExitCode> {
    let step = report::Step::start("building ftl-disk");
    let mut build = doctor::host_cargo();
    build
        .args(["build", "--quiet", "--package", "ftl-disk"])
        .args(["--target-dir".as_ref(), root.join("target").as_os_str()])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"));
    if !build.status().context("cannot start cargo")?.success() {
        step.failed();
        anyhow::bail!("the program for disk images could not be built");
    }
    step.done();
    let status = std::process::Command::new(root.join("target/debug/ftl-disk"))
        .args(arguments)
        .status()
        .context("cannot start the program for disk images")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(STATUS_TOOL)))
}

fn bench(root: &Path, arguments: BenchArguments, yes: bool, json: bool) -> Result<ExitCode> {
    if let Some(BenchCommand::Profile {
        figure,
        arch,
        by,
        instructions,
        lines,
    }) = arguments.command
    {
        doctor::set_up(root, &[arch], Purpose::Run, yes)?;
        let wanted = Wanted {
            names: vec![figure],
            arch,
            isolation: None,
            samples: None,
            long: false,
        };
        let options = profile::Options {
            by,
            instructions,
            lines,
        };
        answer!("{}", profile::profile(root, &wanted, &options)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = arguments.measure;
    let arch = arguments.arch;
    doctor::set_up(root, &[arch], Purpose::Run, yes)?;
    let wanted = Wanted {
        names: arguments.names,
        arch,
        isolation: arguments.isolation,
        samples: arguments.samples,
        long: arguments.long || arguments.write_docs,
    };
    let Measured { figures, failed } = bench::measure(root, &wanted)?;
    if json {
        answer!("{}", serde_json::to_string(&figures)?)?;
    }
    if !arguments.check {
        speech::say(format_args!("{}", bench::table::table(&figures)));
    }
    if arguments.write_docs {
        bench::document::write(root, arch, &figures)?;
        book::refresh(root)?;
    }
    let mut exceeded = false;
    if arguments.check || arguments.record {
        let toolchain = Toolchain::find(root, arch).map_err(anyhow::Error::msg)?;
        let mut budgets = Budgets::read(root)?;
        if arguments.check {
            let outcome = budgets::check(&budgets, &figures, &toolchain.name, arch);
            speech::say(format_args!("{}", outcome.text));
            exceeded = outcome.failed > 0;
        }
        if arguments.record {
            budgets.record(&figures, &toolchain.name, arch);
            budgets.write(root)?;
            exceeded = false;
        }
    }
    // Last, where it is seen; all that could be measured has been shown and kept.
    for reason in &failed {
        say!("error: not measured: {reason}");
    }
    Ok(ExitCode::from(u8::from(exceeded || !failed.is_empty())))
}

/// Packs everything that an end-to-end test may boot: each system under each isolation, and each
/// component of components/tests/ that boots in the place of init; `only` these, if some are named.
fn build_for_tests(root: &Path, arch: Arch, only: Option<&[&str]>) -> Result<()> {
    let workspace = systems::load(root)?;
    let wanted = |name: &str| only.is_none_or(|only| only.contains(&name));
    let mut requests = Vec::new();
    for system in workspace.systems().filter(|system| wanted(system)) {
        for isolation in [None, Some(Isolation::Kernel), Some(Isolation::User)] {
            let variant = Variant {
                system,
                isolation,
                ..Variant::default()
            };
            requests.push(systems::request(&workspace, arch, &variant)?);
            // Tests with commands boot it with a way in for them.
            if workspace.has_commands(system) {
                let variant = Variant {
                    exec: true,
                    ..variant
                };
                requests.push(systems::request(&workspace, arch, &variant)?);
            }
            if workspace.has_console(system) {
                let variant = Variant {
                    console: true,
                    ..variant
                };
                requests.push(systems::request(&workspace, arch, &variant)?);
                // One with a second terminal is enough.
                if system == "console" {
                    let variant = Variant {
                        console: false,
                        terminal: true,
                        ..variant
                    };
                    requests.push(systems::request(&workspace, arch, &variant)?);
                }
            }
        }
    }
    let alone = systems::packages_without_file(root)?;
    for package in alone.into_iter().filter(|package| wanted(package)) {
        requests.push(Request::init_alone(&package));
    }
    if uefi::check(arch).is_ok() {
        build::uefi_loader(root, arch)?;
    }
    let programs = build::compile_all(root, arch, &requests)?;
    anyhow::ensure!(
        programs.warnings == 0,
        "the compiler has warned, and in tests that is an error; its reports are above"
    );
    for request in &requests {
        programs.pack(request)?;
    }
    programs.remember()
}

/// Compares generated files; walks over all that is compiled into components that may run in the
/// kernel (rule 17), and shows what that trusts.
fn check(root: &Path, json: bool) -> Result<ExitCode> {
    systems::check_generated(root)?;
    let packages = systems::kernel_packages(root)?;
    let outcome = closure::walk(root, &packages, &closure::reviewed(root)?)?;
    say!("generated files are up to date");
    say!(
        "{} components may run in the kernel; they consist of {} crates of safe Rust and {} reviewed ones:",
        packages.len(),
        outcome.clean.len(),
        outcome.reviewed.len()
    );
    for entry in &outcome.reviewed {
        say!("  reviewed  {entry}");
    }
    for breach in &outcome.breaches {
        say!("error: {breach}");
    }
    let errors: Vec<_> = outcome
        .breaches
        .iter()
        .map(|breach| json!({ "message": breach.to_string() }))
        .collect();
    answer::tell(
        json,
        errors.is_empty(),
        json!({ "components": packages, "reviewed": outcome.reviewed, "errors": errors }),
    )?;
    Ok(ExitCode::from(u8::from(!outcome.breaches.is_empty())))
}

/// How somebody gets into a system from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WayIn {
    None,
    /// With `--exec`.
    Exec,
    /// At the console.
    Console,
}

impl WayIn {
    /// Whoever starts a system from a terminal sits at its console.
    fn at_terminal() -> WayIn {
        match std::io::stdin().is_terminal() {
            true => WayIn::Console,
            false => WayIn::None,
        }
    }
}

/// How a system can be reached from outside.
#[derive(Clone, Copy)]
struct Reach {
    /// Somebody sits at its console, and it has something for them.
    console: bool,
    /// It is on a network.
    network: bool,
}

/// What is to be built, and how it can be reached then. If something `compiles` it, generated files are brought up to date.
fn request(
    root: &Path,
    arguments: &BuildArguments,
    way_in: WayIn,
    terminal: bool,
    compiles: bool,
) -> Result<(Request, Reach)> {
    let Some(init) = &arguments.init else {
        let workspace = match compiles {
            true => systems::refresh(root)?,
            false => systems::load(root)?,
        };
        let console = way_in == WayIn::Console && workspace.has_console(&arguments.system);
        let variant = Variant {
            system: &arguments.system,
            isolation: arguments.isolation,
            settings: &arguments.settings,
            exec: way_in == WayIn::Exec,
            console,
            terminal,
        };
        let mut request = systems::request(&workspace, arguments.arch, &variant)?;
        if let Some(faults) = &arguments.faults {
            request.name += &format!("-faults={}", faults.seed);
            request.faults = Some(faults.clone());
        }
        let network = workspace.has_network(&arguments.system);
        return Ok((request, Reach { console, network }));
    };
    let mut images = Vec::new();
    for image in &arguments.image {
        let (name, file) = image
            .split_once('=')
            .with_context(|| format!("`{image}`: write it as NAME=FILE"))?;
        images.push((name.to_owned(), PathBuf::from(file)));
    }
    let request = Request {
        components: arguments
            .with
            .iter()
            .map(|package| (package.clone(), package.clone()))
            .collect(),
        images,
        ..Request::init_alone(init)
    };
    let unknown = Reach {
        console: false,
        network: true,
    };
    Ok((request, unknown))
}

fn clean(root: &Path) -> Result<()> {
    for folder in ["build", "target"] {
        match std::fs::remove_dir_all(root.join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {folder}/"));
            }
            _ => {}
        }
    }
    Ok(())
}
