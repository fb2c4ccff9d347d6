//! The documentation that a component's author reads is made without a warning: every link
//! leads somewhere, every public item says what it is.

use std::path::Path;
use std::process::Command;

#[test]
fn the_api_is_documented_without_warnings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--quiet", "--no-deps", "--package", "ftl"])
        .args([
            "--package",
            "interfaces",
            "--package",
            "abi",
            "--package",
            "ring",
        ])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
