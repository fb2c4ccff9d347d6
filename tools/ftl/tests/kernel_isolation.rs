//! Rule 17 for the components of this source tree: see tools/ftl/src/closure.rs.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn components_are_safe_rust_or_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let packages = ftl_tool::systems::kernel_packages(&root).unwrap();
    let reviewed = ftl_tool::closure::reviewed(&root).unwrap();
    let outcome = ftl_tool::closure::walk(&root, &packages, &reviewed).unwrap();
    assert!(
        outcome.breaches.is_empty(),
        "\n  {}",
        outcome.breaches.join("\n  ")
    );
}

/// A tree with `unsafe` in a library that components of many systems are made of is not built.
#[test]
fn an_unclean_tree_is_not_built() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::temp_dir().join(format!("ftl-unclean-{}", std::process::id()));
    for file in ftl_tool::sources::files(&here).unwrap() {
        let path = root.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let smuggled = "pub fn smuggled() -> u8 { unsafe { *core::ptr::null() } }\n";
        let text = match file.path.as_str() {
            "libs/ring/src/lib.rs" => file.text + smuggled,
            _ => file.text,
        };
        std::fs::write(path, text).unwrap();
    }
    // Both times: what was refused is not let through because it is known.
    for _ in 0..2 {
        let output = Command::new(env!("CARGO_BIN_EXE_ftl"))
            .env("FTL_ROOT", &root)
            .args(["build", "ping"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(245), "{said}");
        for part in [
            "ring 0.1.0 is in the image of a component that may run in the kernel",
            "unsafe in line ",
            "(src/lib.rs)",
            "tools/reviewed.yml",
            "nothing was built",
        ] {
            assert!(said.contains(part), "no `{part}` in {said}");
        }
        assert!(!said.contains("building "), "{said}");
    }
    std::fs::remove_dir_all(root).unwrap();
}
