//! Generates everything in the current folder's workspace, as `./ftl gen` does.

use std::path::Path;

fn main() {
    let result =
        ftl_gen::Workspace::load(Path::new(".")).and_then(|workspace| workspace.generate());
    match result {
        Ok(written) => written
            .iter()
            .for_each(|path| println!("wrote {}", path.display())),
        Err(reports) => {
            eprint!("{}", reports.render(false));
            std::process::exit(1);
        }
    }
}
