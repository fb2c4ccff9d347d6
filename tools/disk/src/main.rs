//! `./ftl disk`: what is on a disk's image, and changing it, without booting. A program of its own, built
//! when it is first asked for, because it brings SQLite along.
// They panic when nobody is there to hear it.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod image;
mod tree;

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use image::Image;

/// Looks into disk images and changes them, while FTL does not run on them.
#[derive(Parser)]
#[command(name = "ftl disk", bin_name = "./ftl disk", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an empty file system in FILE (and FILE-wal); nothing if there is one
    Create {
        /// The image
        file: PathBuf,
    },
    /// List a directory
    Ls {
        /// The image
        file: PathBuf,
        /// The directory in it
        #[arg(default_value = "/")]
        path: String,
    },
    /// Copy a folder of this machine into the image
    Import {
        /// The image
        file: PathBuf,
        /// The folder whose contents are copied
        folder: PathBuf,
        /// The directory in the image that they go to
        #[arg(default_value = "/")]
        path: String,
    },
    /// Copy a directory of the image to this machine
    Export {
        /// The image
        file: PathBuf,
        /// The folder that its contents go to; made if it is not there
        folder: PathBuf,
        /// The directory in the image
        #[arg(default_value = "/")]
        path: String,
    },
    /// Make a directory /many with so many empty files, for the benchmark
    #[command(hide = true)]
    Fill {
        /// The image
        file: PathBuf,
        /// How many
        count: u32,
    },
    /// Read all of it and say what is wrong with it
    Check {
        /// The image
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    match execute(CommandLine::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A line on standard output. It is well if the reader has heard enough and closed its end.
fn answer(line: Arguments<'_>) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn execute(command: Command) -> Result<()> {
    match command {
        Command::Create { file } => {
            let mut image = Image::open(&file, true)?;
            let (total, free) = image.space()?;
            answer(format_args!(
                "{}: {} MiB, {} MiB free",
                file.display(),
                total >> 20,
                free >> 20
            ))?;
        }
        Command::Ls { file, path } => {
            for line in Image::open(&file, false)?.list(&path)? {
                answer(format_args!("{line}"))?;
            }
        }
        Command::Import { file, folder, path } => {
            let count = Image::open(&file, true)?.import(&folder, &path)?;
            answer(format_args!(
                "{count} files and directories copied into {}",
                file.display()
            ))?;
        }
        Command::Export { file, folder, path } => {
            let count = Image::open(&file, false)?.export(&path, &folder)?;
            answer(format_args!(
                "{count} files and directories copied to {}",
                folder.display()
            ))?;
        }
        Command::Fill { file, count } => image::make_large(&file, count)?.fill(count)?,
        Command::Check { file } => match Image::open(&file, false)?.check()? {
            None => answer(format_args!("{} is sound", file.display()))?,
            Some(damage) => anyhow::bail!("{} is damaged:\n{damage}", file.display()),
        },
    }
    Ok(())
}
