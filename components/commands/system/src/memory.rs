//! `memory`.

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;

use crate::processes::memory as amount;
use crate::spec::*;

pub const MEMORY: &str = "\
says what the machine's memory is used for
usage: memory

`ps` tells the components' part one by one: what each is charged for, touched or not. Of what is promised nobody has
touched anything yet, and nobody else gets it.
";

pub fn memory(env: &mut Environ) -> Result<usize> {
    let found = env.system.memory()?;
    let line = |pages: u64, what: &str| println!("{:>10}  {what}", amount(pages));
    line(found.machine, "in the machine, of which");
    line(found.before, "firmware, the kernel, its records of pages");
    line(
        found.archive,
        "the boot archive, with the code that runs from it",
    );
    line(found.components, "components and commands");
    line(found.init, "init");
    line(found.objects, "the kernel's objects");
    line(
        found.kernel,
        "page tables of the kernel, its log, what is being freed",
    );
    let largest: String = format!("free, the largest block with {}", amount(found.largest));
    line(found.free, &largest);
    println!(
        "Of what components have, {} are promised and not touched yet.",
        amount(found.promised),
    );
    Ok(0)
}
