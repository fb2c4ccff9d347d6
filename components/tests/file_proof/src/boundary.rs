//! A directory that was given is a boundary: nothing leads out of it, and what may only be read is not changed.

use ftl::prelude::*;
use interfaces::files::{Dir, OpenOptions};

/// `www` is `/var/www` of `all`, to be read only.
pub fn check(all: &Dir, www: &Dir) -> Result<()> {
    // It is not there yet, and whoever may only read does not make it.
    assert_eq!(www.metadata("/").err(), Some(Error::NotFound));
    all.create_dir_all("/var/www/pages")?;
    all.write("/var/secret", "secret")?;
    all.write("/var/www/index", "index")?;
    all.write("/var/www/pages/one", "one")?;
    all.symlink("/var/secret", "/var/www/absolute")?;
    all.symlink("../secret", "/var/www/relative")?;
    all.symlink("../../..", "/var/www/pages/above")?;
    all.symlink("/index", "/var/www/pages/home")?;

    assert_eq!(www.read_to_string("index")?, "index");
    assert_eq!(www.read_to_string("/pages/one")?, "one");
    // What leads out ends at the top.
    for path in ["../index", "/../../index", "pages/../../../index"] {
        assert_eq!(www.read_to_string(path)?, "index", "{path}");
    }
    assert_eq!(www.read_to_string("pages/above/index")?, "index");
    // An absolute link begins at the client's own top.
    assert_eq!(www.read_to_string("pages/home")?, "index");
    for path in [
        "absolute",
        "relative",
        "/var/secret",
        "../secret",
        "pages/../../secret",
        "pages/above/secret",
        "pages/above/var/secret",
    ] {
        assert_eq!(www.read(path).err(), Some(Error::NotFound), "{path}");
        assert_eq!(www.metadata(path).err(), Some(Error::NotFound), "{path}");
    }
    must_not_change(www);

    // A directory handed on is the same again, below; rights get fewer, never more.
    let pages = www.open_dir("pages", false)?;
    assert_eq!(pages.read_to_string("../one")?, "one");
    assert_eq!(pages.read("../index").err(), Some(Error::NotFound));
    assert_eq!(pages.read("home").err(), Some(Error::NotFound));
    must_not_change(&pages);
    assert_eq!(
        www.open_dir("pages", true).err(),
        Some(Error::PermissionDenied)
    );
    assert_eq!(
        www.open_dir("index", false).err(),
        Some(Error::NotADirectory)
    );
    let writable = all.open_dir("/var/www/pages", true)?;
    must_not_change(&writable.open_dir("/", false)?);
    // It stays with its directory when that is moved.
    all.rename("/var/www/pages", "/moved")?;
    writable.write("two", "two")?;
    assert_eq!(pages.read_to_string("two")?, "two");
    assert_eq!(pages.read("../var/secret").err(), Some(Error::NotFound));
    assert_eq!(www.read("pages/one").err(), Some(Error::NotFound));
    all.remove_dir_all("/moved")?;
    assert_eq!(pages.read("two").err(), Some(Error::NotFound));
    assert_eq!(writable.write("three", "").err(), Some(Error::NotFound));
    assert_eq!(all.read_to_string("/var/secret")?, "secret");
    Ok(())
}

/// Whatever would change something is refused.
fn must_not_change(files: &Dir) {
    let options = |options: &mut OpenOptions| options.open(files, "index").err();
    for refused in [
        files.create("new").err(),
        options(OpenOptions::new().write(true)),
        options(OpenOptions::new().append(true)),
        options(OpenOptions::new().write(true).truncate(true)),
        files.create_dir("new").err(),
        files.remove_file("index").err(),
        files.remove_dir("pages").err(),
        files.rename("index", "new").err(),
        files.hard_link("index", "new").err(),
        files.symlink("index", "new").err(),
        files
            .set_permissions("/", interfaces::files::Permissions::from_mode(0))
            .err(),
    ] {
        assert_eq!(refused, Some(Error::PermissionDenied));
    }
}
