//! Runs on your own machine: `./ftl test hello`.

extern crate std;

use testkit::System;

use super::*;

#[test]
fn it_says_what_it_is_told_to() {
    let system = System::new();
    let settings = Settings {
        greeting: "Good morning!".into(),
    }
    .encode();
    let hello = system.component("hello", main).settings(settings).run();
    assert_eq!(hello.wait(), 0);
    assert!(
        system.log().contains("hello: Good morning!"),
        "{}",
        system.log()
    );
}
