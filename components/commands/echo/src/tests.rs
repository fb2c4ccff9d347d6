//! Run by `./ftl test echo` on the developer's own machine.

use testkit::System;

use super::*;

#[test]
fn it_prints_its_arguments() {
    let system = System::new();
    for (arguments, text) in [
        (&["hello", "world"][..], "hello world\n"),
        (&["-n", "hello"], "hello"),
        (&["hello", "-n"], "hello -n\n"),
        (&[], "\n"),
        (&["", "héllo"], " héllo\n"),
    ] {
        let done = system.command("echo", main).args(arguments).run();
        assert_eq!((done.status, done.stdout.as_str()), (0, text));
    }
}
