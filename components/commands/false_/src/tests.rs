//! Run by `./ftl test false_` on the developer's own machine.

use testkit::System;

use super::*;

#[test]
fn it_fails() {
    let done = System::new().command("false", main).run();
    assert_eq!((done.status, done.stderr.as_str()), (1, ""));
}
