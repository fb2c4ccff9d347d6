//! Run by `./ftl test steps` on the developer's own machine.

use testkit::System;

use super::*;

#[test]
fn without_commands_it_says_how() {
    let system = System::new();
    let (client, _server) = interfaces::launcher::channel().unwrap();
    let done = system
        .command("steps", main)
        .need(interfaces::launcher::HASH, client)
        .run();
    assert_eq!(done.status, 2);
    assert!(done.stderr.contains("-c"), "{}", done.stderr);
}
