//! Each way of smuggling unsafe code into a component is refused.

use std::path::PathBuf;

use super::*;

/// A workspace in a temporary folder: a component `victim` that depends on `helper`.
struct Smuggler {
    root: PathBuf,
}

impl Smuggler {
    fn new(name: &str) -> Smuggler {
        let root = std::env::temp_dir().join(format!("ftl-closure-{}-{name}", std::process::id()));
        let smuggler = Smuggler { root };
        smuggler.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"victim\", \"helper\"]\n",
        );
        smuggler.write(
            "victim/Cargo.toml",
            "[package]\nname = \"victim\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nhelper = { path = \"../helper\" }\n",
        );
        smuggler.write(
            "victim/src/main.rs",
            "#![forbid(unsafe_code)]\nfn main() {}\n",
        );
        smuggler.write("helper/Cargo.toml", HELPER);
        smuggler.write("helper/src/lib.rs", "#![no_std]\n");
        // Cargo keeps in its target folder what the compiler has told of itself; in a folder of its own each cargo
        // would ask five times. Nothing is compiled here.
        let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
        smuggler.write(
            ".cargo/config.toml",
            &format!("[build]\ntarget-dir = '{target}'\n"),
        );
        smuggler
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn walk(&self, reviewed: &[Reviewed]) -> Outcome {
        walk(&self.root, &["victim".to_owned()], reviewed).unwrap()
    }
}

impl Drop for Smuggler {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

const HELPER: &str = "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn check_refused(name: &str, path: &str, text: &str, said: &str) {
    let smuggler = Smuggler::new(name);
    smuggler.write(path, text);
    let outcome = smuggler.walk(&[]);
    assert!(
        outcome.breaches.iter().any(|breach| breach.contains(said)),
        "{name}: no `{said}` in {:?}",
        outcome.breaches
    );
}

#[test]
fn clean_crates_pass() {
    let outcome = Smuggler::new("clean").walk(&[]);
    assert_eq!(outcome.breaches, [""; 0]);
    assert_eq!(outcome.clean.len(), 2);
}

#[test]
fn what_is_no_rust_is_left_to_the_compiler_first() {
    let smuggler = Smuggler::new("unfinished");
    smuggler.write("tools/reviewed.yml", "[]\n");
    smuggler.write(
        "victim/src/main.rs",
        "#![forbid(unsafe_code)]\nfn main( {}\n",
    );
    let starts = ["victim".to_owned()];
    let judge = || hold_with(&smuggler.root, &starts, &mut Memo::default()).unwrap();
    let outcome = judge();
    assert_eq!(outcome.breaches, [""; 0]);
    assert!(outcome.unreadable[0].contains("victim, which may run in the kernel"));
    assert!(refuse(&outcome.unreadable).is_err());
    // What is beside it is refused at once.
    smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
    assert!(judge().breaches[0].contains("unsafe in line 1"));
}

#[test]
fn each_way_of_smuggling_is_refused() {
    let lib = "helper/src/lib.rs";
    check_refused(
        "block",
        lib,
        "pub fn f() { unsafe { } }",
        "unsafe in line 1",
    );
    check_refused(
        "macro",
        lib,
        "#[macro_export]\nmacro_rules! m { () => { unsafe { } } }",
        "unsafe in line 2",
    );
    check_refused(
        "module",
        "helper/src/deep/er.rs",
        "unsafe impl Send for X {}",
        "deep/er.rs",
    );
    check_refused(
        "export",
        lib,
        "#[no_mangle]\npub extern \"C\" fn f() {}",
        "no_mangle",
    );
    check_refused(
        "name",
        lib,
        "#[export_name = \"memcpy\"]\nfn f() {}",
        "export_name",
    );
    check_refused(
        "section",
        lib,
        "#[link_section = \".text\"]\nstatic A: u8 = 0;",
        "link_section",
    );
    check_refused("asm", lib, "core::arch::global_asm!(\"nop\");", "assembly");
    check_refused(
        "renamed",
        lib,
        "use core::arch::global_asm as harmless;",
        "assembly",
    );
    check_refused(
        "include",
        lib,
        "include!(\"../../elsewhere.txt\");",
        "include!",
    );
    check_refused(
        "path",
        lib,
        "#[path = \"../../elsewhere.rs\"]\nmod a;",
        "another path",
    );
    check_refused(
        "path under a condition",
        lib,
        "#[cfg_attr(all(), path = \"../../elsewhere.rs\")]\nmod a;",
        "another path",
    );
    check_refused(
        "library under a condition",
        lib,
        "#[cfg_attr(all(), link(name = \"c\"))]\nextern \"C\" {}",
        "native library",
    );
    check_refused(
        "modern export",
        lib,
        "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}",
        "no_mangle",
    );
    check_refused(
        "raw name",
        lib,
        "#[r#no_mangle]\npub extern \"C\" fn f() {}",
        "no_mangle",
    );
    check_refused(
        "assembly of a function",
        lib,
        "pub fn f() { core::arch::asm!(\"nop\") }",
        "assembly",
    );
    check_refused(
        "unused feature",
        lib,
        "#[cfg(feature = \"never\")]\npub fn f() { unsafe { } }",
        "unsafe in line 2",
    );
    check_refused(
        "library",
        lib,
        "#[link(name = \"c\")]\nextern \"C\" {}",
        "native library",
    );
    check_refused("unreadable", lib, "fn f( {", "cannot read");
    check_refused(
        "script",
        "helper/build.rs",
        "fn main() {}",
        "a build script",
    );
    let links = format!("{HELPER}links = \"z\"\n");
    let smuggler = Smuggler::new("links");
    smuggler.write("helper/build.rs", "fn main() {}");
    smuggler.write("helper/Cargo.toml", &links);
    let breaches = smuggler.walk(&[]).breaches;
    assert!(
        breaches[0].contains("a link to the native library `z`"),
        "{breaches:?}"
    );
    let smuggler = Smuggler::new("elsewhere");
    smuggler.write("helper/tests/lib.rs", "pub fn f() { unsafe { } }");
    smuggler.write(
        "helper/Cargo.toml",
        &format!("{HELPER}[lib]\npath = \"tests/lib.rs\"\n"),
    );
    let breaches = smuggler.walk(&[]).breaches;
    assert!(
        breaches[0].contains("source at another place"),
        "{breaches:?}"
    );
    let smuggler = Smuggler::new("renamed script");
    smuggler.write("helper/other.rs", "fn main() {}");
    smuggler.write(
        "helper/Cargo.toml",
        &HELPER.replace("edition", "build = \"other.rs\"\nedition"),
    );
    let breaches = smuggler.walk(&[]).breaches;
    assert!(breaches[0].contains("a build script"), "{breaches:?}");
    check_refused(
        "proc",
        "helper/Cargo.toml",
        &format!("{HELPER}[lib]\nproc-macro = true\n"),
        "procedural macro",
    );
    check_refused(
        "unforbidden",
        "victim/src/main.rs",
        "#![deny(unsafe_code)]\nfn main() {}",
        "forbid(unsafe_code)",
    );
    check_refused(
        "commented",
        "victim/src/main.rs",
        "// #![forbid(unsafe_code)]\nfn main() {}",
        "forbid(unsafe_code)",
    );
}

#[test]
fn a_review_counts_for_what_was_reviewed() {
    let smuggler = Smuggler::new("review");
    smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
    let entry = |version: &str, checksum: &str| Reviewed {
        name: "helper".into(),
        version: version.into(),
        checksum: checksum.into(),
        reason: "it is short".into(),
    };
    let good = smuggler.walk(&[entry("0.1.0", "here")]);
    assert_eq!(good.breaches, [""; 0]);
    assert_eq!(good.reviewed.len(), 1);
    assert_eq!(smuggler.walk(&[entry("0.1.1", "here")]).breaches.len(), 1);
    assert_eq!(smuggler.walk(&[entry("0.1.0", "1234")]).breaches.len(), 1);

    let stale = Smuggler::new("stale").walk(&[entry("0.1.0", "here")]);
    assert!(
        stale.breaches[0].contains("take it out"),
        "{:?}",
        stale.breaches
    );
}

#[test]
fn an_optional_dependency_counts_if_a_feature_turns_it_on() {
    let check = |victim: &str, feature: &str, refused: bool| {
        let smuggler = Smuggler::new(victim);
        let victim = format!(
            "[package]\nname = \"victim\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n\
             helper = {{ path = \"../helper\", optional = true }}\n[features]\ndefault = [\"f\"]\nf = [\"{feature}\"]\n"
        );
        smuggler.write("victim/Cargo.toml", &victim);
        smuggler.write(
            "helper/Cargo.toml",
            &format!("{HELPER}[features]\ng = []\n"),
        );
        smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
        let breaches = smuggler.walk(&[]).breaches;
        assert_eq!(!breaches.is_empty(), refused, "{feature}: {breaches:?}");
    };
    check("weak", "helper?/g", false);
    check("strong", "helper/g", true);
    check("dep", "dep:helper", true);
}

#[test]
fn tests_of_a_dependency_do_not_count() {
    let smuggler = Smuggler::new("tests");
    smuggler.write("helper/tests/a.rs", "fn f() { unsafe { } }");
    assert_eq!(smuggler.walk(&[]).breaches, [""; 0]);
}

/// What a build does: an unchanged tree is neither asked about nor read again, and any change is seen.
#[test]
fn builds_remember_and_are_not_fooled() {
    let smuggler = Smuggler::new("memo");
    smuggler.write("tools/reviewed.yml", "[]\n");
    let starts = ["victim".to_owned()];
    let check = |asked: usize, read: usize, refused: Option<&str>| {
        let mut memo = Memo::load(&smuggler.root);
        let breaches = hold_with(&smuggler.root, &starts, &mut memo)
            .unwrap()
            .breaches;
        memo.store(&smuggler.root).unwrap();
        assert_eq!((memo.asked, memo.scans.read), (asked, read));
        match refused {
            Some(said) => {
                assert!(breaches[0].contains(said), "{breaches:?}");
                let error = hold(&smuggler.root, &starts).unwrap_err().to_string();
                assert!(
                    error.contains(said) && error.contains("nothing was built"),
                    "{error}"
                );
            }
            None => {
                assert_eq!(breaches, [""; 0]);
                hold(&smuggler.root, &starts).unwrap();
            }
        }
    };
    check(1, 2, None);
    check(0, 0, None);
    // An edit costs one file, and no question to cargo.
    smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
    check(0, 1, Some("unsafe in line 1"));
    check(0, 0, Some("unsafe in line 1"));
    // A review lets it through, and ends with the review.
    let review = "- name: helper\n  version: 0.1.0\n  checksum: here\n  reason: short\n";
    smuggler.write("tools/reviewed.yml", review);
    check(0, 0, None);
    smuggler.write("tools/reviewed.yml", "[]\n");
    check(0, 0, Some("unsafe in line 1"));
    smuggler.write("helper/src/lib.rs", "pub fn f() {}");
    check(0, 1, None);
    // A new file is found, and so is a build script that no manifest mentions.
    smuggler.write("helper/src/more.rs", "pub fn f() { unsafe { } }");
    check(0, 1, Some("more.rs"));
    smuggler.write("helper/src/more.rs", "");
    smuggler.write("helper/build.rs", "fn main() {}");
    check(1, 3, Some("a build script"));
    std::fs::remove_file(smuggler.root.join("helper/build.rs")).unwrap();
    check(1, 3, None);
    // So is a crate that a manifest newly depends on.
    smuggler.write("other/Cargo.toml", &HELPER.replace("helper", "other"));
    smuggler.write("other/src/lib.rs", "pub fn f() { unsafe { } }");
    let manifest = format!("{HELPER}[dependencies]\nother = {{ path = \"../other\" }}\n");
    smuggler.write("helper/Cargo.toml", &manifest);
    check(1, 4, Some("other 0.1.0"));
}
