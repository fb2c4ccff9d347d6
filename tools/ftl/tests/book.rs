//! The book says what the source says (tools/ftl/src/book.rs).

use std::path::Path;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_book_is_up_to_date() {
    let stale = ftl_tool::book::stale(&root()).unwrap();
    let paths: Vec<&str> = stale.iter().map(|(path, _)| path.as_str()).collect();
    assert!(
        paths.is_empty(),
        "out of date: run `./ftl gen`\n  {}",
        paths.join("\n  ")
    );
}

#[test]
fn every_call_and_every_error_has_its_place() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let (calls, abi) = (
        read("docs/reference/system-calls.md"),
        read("abi/src/call.rs"),
    );
    // Counted in another way than the book counts them.
    let numbers = |text: &str| {
        text.lines()
            .filter(|line| line.trim_end().ends_with(',') && line.contains(" = "))
            .count()
    };
    assert_eq!(calls.matches("\nNumber ").count(), numbers(&abi));
    let (errors, abi) = (read("docs/reference/errors.md"), read("abi/src/error.rs"));
    let rows = errors.lines().filter(|line| line.starts_with("| ")).count() - 1;
    assert_eq!(rows, numbers(&abi));
}
