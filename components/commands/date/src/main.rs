//! Says what day and time it is, in the zone of the settings.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use text_commands::{Date, Zone};

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

const HELP: &str = "\
date says what day and time it is
usage: date [-u | -s]

  -u, --utc  in UTC; otherwise in the zone of the setting `date.zone`
  -s         as seconds since the beginning of 1970
";

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let option = match env.arguments.as_slice() {
        [] => "",
        [option] if option == "--utc" => "-u",
        [option] if matches!(option.as_str(), "-u" | "-s" | "--help") => option.as_str(),
        [argument, ..] => {
            eprintln!("date: what is `{argument}`? `date --help` says more");
            return Err(Error::InvalidArgument);
        }
    };
    if option == "--help" {
        print!("{HELP}");
        return Ok(());
    }
    let Some(zone) = Zone::parse(&env.settings.zone) else {
        eprintln!(
            "date: `{}` is no time zone; `CET-1CEST,M3.5.0,M10.5.0/3` is one",
            env.settings.zone
        );
        return Err(Error::InvalidArgument);
    };
    let seconds = env.clock.now()? / 1_000_000_000;
    match option {
        "-u" => println!("{}", Date(seconds)),
        "-s" => println!("{seconds}"),
        _ => println!("{}", zone.show(seconds)),
    }
    Ok(())
}
