//! Run by `./ftl test true_` on the developer's own machine.

use testkit::System;

use super::*;

#[test]
fn it_succeeds() {
    let done = System::new().command("true", main).run();
    assert_eq!((done.status, done.stdout.as_str()), (0, ""));
}
