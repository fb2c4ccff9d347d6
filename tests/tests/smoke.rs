//! The least that each machine, isolation and number of CPUs must do: boot, serve the page and 1,000
//! requests, and go on after each component was killed once. `./ftl test` runs this for each combination, and
//! everything else for one (see tools/ftl/src/test.rs).

use std::time::Duration;

#[test]
fn the_page_and_a_thousand_requests() {
    let ftl = e2e::boot("default").port(80).start();
    ftl.wait_for("http_server: listens on port 80");
    let port = ftl.port(80);
    let page = e2e::http::get(port, "/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>FTL</title>"));
    e2e::http::KeepAlive::open(port).requests(1_000);
}

#[test]
fn one_kill_for_each_component() {
    let port = e2e::free_port();
    // Every other kill goes in turn, so eleven are enough for each of six components.
    let exit = e2e::boot("chaos")
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", 11)
        .start()
        .wait_exit_within(Duration::from_secs(400));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    // The orderly end comes in the reverse of the order of starts.
    let off = exit
        .log
        .iter()
        .find_map(|line| line.split_once("off, after "));
    let (_, off) = off.unwrap_or_else(|| panic!("no orderly end in\n{}", exit.tail()));
    let place = |name: &str| off.find(name);
    assert!(
        place("http_server").is_some()
            && place("http_server") < place("tcpip")
            && place("tcpip") < place("virtio_net"),
        "{off}"
    );
    assert!(place("sqlitefs") < place("virtio_blk"), "{off}");
    let clock = match e2e::arch().as_str() {
        "arm64" => "pl031",
        _ => "goldfish_rtc",
    };
    for component in [
        "virtio_net",
        "tcpip",
        "http_server",
        "virtio_blk",
        "sqlitefs",
        clock,
    ] {
        let line = format!("{component} was killed");
        let found = exit.log.iter().any(|found| found.contains(&line));
        assert!(found, "no `{line}` in\n{}", exit.log.join("\n"));
    }
}
