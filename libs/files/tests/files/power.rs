//! Loss of power at any moment: whatever the disks kept, what was synchronised is there.

use crate::common::{DATA_LEN, Disks, LOG_LEN, Random, Told, long};
use crate::model::{Tree, read_all, step};
use files::SECTOR_LEN;

/// What happened until the power went: all that the disks were told, and after how much of it a
/// synchronisation had come back, with what the file system held then.
struct Recording {
    journal: Vec<(usize, Told)>,
    synchronised: Vec<(usize, Tree)>,
}

fn record(seed: u64, steps: usize) -> Recording {
    let (disks, journal) = Disks::new().recorded();
    let mut files = disks.mount();
    let mut tree = Tree::new();
    let mut random = Random(seed);
    files.sync().unwrap();
    let mut synchronised = vec![(journal.borrow().len(), tree.clone())];
    for _ in 0..steps {
        step(&mut files, &mut tree, &mut random);
        if random.below(8) == 0 {
            files.sync().unwrap();
            synchronised.push((journal.borrow().len(), tree.clone()));
        }
    }
    std::mem::forget(files);
    let journal = journal.borrow().clone();
    Recording {
        journal,
        synchronised,
    }
}

/// What is on the disks if the power goes after `told` steps of the journal. What was not flushed is
/// there or not, sector by sector, as chance has it; a sector may be half old and half new.
fn after_power_loss(
    recording: &Recording,
    told: usize,
    random: &mut Random,
    flushes_work: bool,
) -> Disks {
    let mut images = [vec![0; DATA_LEN], vec![0; LOG_LEN]];
    let steps = &recording.journal[..told];
    for (disk, image) in images.iter_mut().enumerate() {
        let flushed = steps
            .iter()
            .rposition(|(number, step)| *number == disk && matches!(step, Told::Flush))
            .filter(|_| flushes_work)
            .unwrap_or(0);
        for (i, (number, step)) in steps.iter().enumerate() {
            let Told::Write { offset, bytes } = step else {
                continue;
            };
            if *number != disk {
                continue;
            }
            for (at, sector) in bytes.chunks(SECTOR_LEN).enumerate() {
                let at = offset + at * SECTOR_LEN;
                let len = match (i < flushed, random.below(8)) {
                    (true, _) | (_, 0..=3) => SECTOR_LEN,
                    (_, 4) => random.below(SECTOR_LEN),
                    _ => 0,
                };
                image[at..at + len].copy_from_slice(&sector[..len]);
            }
        }
    }
    let [data, log] = images;
    Disks::of(data, log)
}

/// What is wrong with the disks after a loss of power, if anything is.
fn judge(recording: &Recording, told: usize, disks: &Disks) -> Result<(), String> {
    let mut files = disks
        .try_mount()
        .map_err(|error| format!("mount: {error:?}"))?;
    if let Some(damage) = files.check().map_err(|error| format!("{error:?}"))? {
        return Err(damage);
    }
    let found = read_all(&mut files);
    // What was synchronised last, or the next if that was on its way.
    let last = recording
        .synchronised
        .iter()
        .rposition(|(at, _)| *at <= told)
        .expect("the first is at the beginning");
    let allowed = &recording.synchronised[last..(last + 2).min(recording.synchronised.len())];
    match allowed.iter().any(|(_, tree)| *tree == found) {
        true => Ok(()),
        false => Err(format!("something else is there: {} paths", found.len())),
    }
}

#[test]
fn what_was_synchronised_survives_any_loss_of_power() {
    let (seeds, steps, samples) = if long() {
        (5, 2_000, 2_000)
    } else {
        (2, 150, 60)
    };
    for seed in 1..=seeds {
        let recording = record(seed, steps);
        let first = recording.synchronised[0].0;
        let mut random = Random(seed + 1000);
        for _ in 0..samples {
            let told = first + random.below(recording.journal.len() - first + 1);
            let disks = after_power_loss(&recording, told, &mut random, true);
            if let Err(what) = judge(&recording, told, &disks) {
                panic!("seed {seed}, power lost after {told} steps: {what}");
            }
        }
    }
}

/// The control: a disk that only says that it flushed must be found out.
#[test]
fn disks_that_do_not_flush_are_found_out() {
    let recording = record(1, 150);
    let first = recording.synchronised[0].0;
    let mut random = Random(7);
    let found_out = (0..60).any(|_| {
        let told = first + random.below(recording.journal.len() - first + 1);
        let disks = after_power_loss(&recording, told, &mut random, false);
        judge(&recording, told, &disks).is_err()
    });
    assert!(found_out);
}
