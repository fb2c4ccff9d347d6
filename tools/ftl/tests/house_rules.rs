//! Applies the house rules (tools/ftl/src/house.rs) to this source tree.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ftl_tool::house::{RULES, Tree};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

#[test]
fn generated_files_are_up_to_date() {
    ftl_tool::systems::check_generated(&root()).unwrap();
}

/// Read once for all rules: cargo takes as long to say what there is as a rule to be checked.
static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read(&root()).unwrap());

fn check(name: &str) {
    let (_, rule) = RULES
        .iter()
        .find(|(rule, _)| *rule == name)
        .expect("there is such a rule");
    let breaches = rule(&TREE);
    assert!(
        breaches.is_empty(),
        "{name}: {} breaches (the rules are told in docs/rules.md and tools/ftl/src/house.rs)\n  {}",
        breaches.len(),
        breaches.join("\n  ")
    );
}

macro_rules! rules {
    ($($test:ident = $name:literal,)+) => {
        $(#[test] fn $test() { check($name); })+

        #[test]
        fn every_rule_is_checked() {
            assert_eq!(RULES.len(), [$($name),+].len());
        }
    };
}

rules! {
    imports = "imports between layers",
    unsafe_code = "unsafe only where it is allowed",
    target_arch = "cfg(target_arch) only where it is allowed",
    processor_names = "no name of a CPU outside of the seam",
    unfinished = "nothing is left unfinished",
    links = "links in the docs lead somewhere",
    machine_paths = "no paths of one machine",
    licences = "licences of dependencies",
}
