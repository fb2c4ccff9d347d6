//! What `docs/performance.md` says about where the instructions of a figure go. An explanation is an item of a list, which begins
//! with the names of its figures and has the command that shows what it says:
//!
//! ```text
//! - **`rpc_N`, `rpc_among_N`**: half of it is … (`./ftl bench profile rpc_64/user-user`).
//! ```
//!
//! `N` stands for any number, and `NAME` for any word, as in `size_NAME`.

use anyhow::{Result, bail};

use super::figure::Figure;

const BEGIN: &str = "- **`";
const COMMAND: &str = "`./ftl ";

/// The names of the figures that the page explains; an item without a command that shows it is an error.
pub fn explained(page: &str) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for (at, _) in page.match_indices(&format!("\n{BEGIN}")) {
        let item = &page[at + 1..];
        let end = ["\n\n", "\n- "].map(|end| item.find(end).unwrap_or(item.len()));
        let item = &item[..end[0].min(end[1])];
        let Some((head, text)) = item["- **".len()..].split_once("**") else {
            bail!(
                "`{}…` does not end the names of its figures",
                first_line(item)
            );
        };
        if !text.contains(COMMAND) {
            bail!("`{}…` has no command that shows it", first_line(item));
        }
        names.extend(head.split('`').skip(1).step_by(2));
    }
    Ok(names)
}

fn first_line(item: &str) -> &str {
    item.lines().next().unwrap_or(item)
}

/// Names of figures that no explanation is for.
pub fn unexplained<'a>(names: &[&str], figures: &'a [Figure]) -> Vec<&'a str> {
    let mut missing: Vec<&str> = figures
        .iter()
        .map(|figure| figure.name.as_str())
        .filter(|own| !names.iter().any(|name| is_meant(own, name)))
        .collect();
    missing.dedup();
    missing
}

/// Names that no figure has.
pub fn unknown<'a>(names: &[&'a str], figures: &[Figure]) -> Vec<&'a str> {
    let known = |name: &&&str| !figures.iter().any(|figure| is_meant(&figure.name, name));
    names.iter().filter(known).copied().collect()
}

/// Whether an explanation's name is that of a figure: word by word.
fn is_meant(figure: &str, name: &str) -> bool {
    if let Some(begin) = name.strip_suffix("NAME") {
        return figure.starts_with(begin);
    }
    let mut words = figure.split('_');
    let number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    name.split('_').all(|wanted| {
        words
            .next()
            .is_some_and(|word| word == wanted || wanted == "N" && number(word))
    }) && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::arch::Arch;
    use crate::bench::document::{PAGE, Record};

    fn figures(names: &[&str]) -> Vec<Figure> {
        let one = |name: &&str| Figure::one(name, "", "instructions", 1.0);
        names.iter().map(one).collect()
    }

    #[test]
    fn numbers_and_names_stand_for_others() {
        assert!(is_meant("rpc_64", "rpc_N") && is_meant("rpc_64", "rpc_64"));
        assert!(!is_meant("rpc_typed_64", "rpc_N") && !is_meant("rpc_64", "rpc"));
        assert!(is_meant("rpc_among_1000_to_10", "rpc_among_N_to_N"));
        assert!(is_meant("size_change_files", "size_NAME") && !is_meant("send_1", "size_NAME"));
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_named() {
        let page = "# A\n\n- **`a_N`, `b`**: all of it\n  (`./ftl bench profile b`).\n- a `c`\n\n- **`d`** x `./ftl bench d`\n";
        let names = explained(page).unwrap();
        assert_eq!(names, ["a_N", "b", "d"]);
        let figures = figures(&["a_7", "b", "c"]);
        assert_eq!(unexplained(&names, &figures), ["c"]);
        assert_eq!(unknown(&names, &figures), ["d"]);
        assert!(explained("\n- **`a`**: without a command\n").is_err());
        assert!(explained("\n- **`a`: `./ftl bench`\n").is_err());
    }

    /// Whoever adds a figure says where its instructions go.
    #[test]
    fn each_figure_is_explained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = std::fs::read_to_string(root.join(PAGE)).unwrap();
        let names = explained(&page).unwrap();
        let mut figures = Vec::new();
        for arch in [Arch::Riscv64, Arch::Arm64] {
            figures.extend(Record::read(&root, arch).unwrap().figures);
        }
        let none: [&str; 0] = [];
        assert_eq!(
            unexplained(&names, &figures),
            none,
            "{PAGE} does not explain these"
        );
        assert_eq!(
            unknown(&names, &figures),
            none,
            "{PAGE} explains what is no figure"
        );
    }
}
