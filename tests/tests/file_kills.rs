//! What was synchronised stays: while the file server and the disk's driver are killed, and when the machine is
//! switched off in the middle of writing.

use std::path::Path;
use std::time::Duration;

use e2e::folder::Folder;

fn boot(disk: &Path) -> e2e::Boot {
    e2e::boot("file_kills")
        .argument("--disk")
        .argument(disk.display().to_string())
}

#[test]
fn clients_go_on_when_the_server_and_the_driver_are_killed() {
    let folder = Folder::new("file-kills");
    // In turns.
    let kills = if e2e::long() { 200 } else { 10 };
    let exit = boot(&folder.0.join("disk.img"))
        .set("file_kills.rounds", kills)
        .start()
        .wait_exit_within(Duration::from_secs(1800));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    let count = |text: &str| exit.log.iter().filter(|line| line.contains(text)).count();
    let killed = count("sqlitefs was killed") + count("virtio_blk was killed");
    assert_eq!(killed, kills, "{}", exit.tail());
    // No disk has failed, only its driver went.
    assert_eq!(count("of a disk: "), 0, "{}", exit.tail());
    e2e::record(
        "kills of the file server and its driver without a lost byte",
        kills,
    );
}

#[test]
fn a_machine_that_is_switched_off_has_what_was_synchronised() {
    let folder = Folder::new("power");
    let rounds = if e2e::long() { 200 } else { 3 };
    let (mut disk, mut synchronised) = (0, 0_u64);
    for round in 0..rounds {
        if synchronised > 2 << 20 {
            (disk, synchronised) = (disk + 1, 0);
        }
        let ftl = boot(&folder.0.join(format!("disk{disk}.img")))
            .set("file_kills.endless", true)
            .set("file_kills.synchronised", synchronised)
            .start();
        // In the middle of writing what comes next.
        ftl.wait_for_count("file_kills: synchronised", 1 + round % 5);
        ftl.signal("KILL");
        let said = |line: &String| line.rsplit_once("synchronised ")?.1.parse::<u64>().ok();
        let log = ftl.wait_exit().log;
        let wrong = log.iter().any(|line| line.contains("file_kills: ERROR"));
        assert!(!wrong, "{}", log.join("\n"));
        synchronised = log.iter().filter_map(said).max().unwrap_or(synchronised);
    }
    // Once more, to look and not to write.
    let exit = boot(&folder.0.join(format!("disk{disk}.img")))
        .set("file_kills.rounds", 0)
        .set("file_kills.synchronised", synchronised)
        .start()
        .wait_exit();
    assert_eq!(exit.code, 0, "{}", exit.tail());
    e2e::record(
        "machines switched off while writing without a lost byte",
        rounds,
    );
}
