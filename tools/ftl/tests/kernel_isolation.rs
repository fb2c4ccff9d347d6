//! Rule 17 for the components of this source tree: see tools/ftl/src/closure.rs.

use std::path::Path;

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
