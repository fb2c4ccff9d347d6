//! Loss of power at any moment: whatever the disks kept, what was synchronised is there.
//!
//! A random workload runs, with snapshots, with files that are deleted and cut in pieces and with pieces of that in between, and what both
//! disks are told meanwhile is kept. For each moment in between, images are made of what disks may hold if the power goes then: one with all
//! that was written until then, in order, and one with some of what was not flushed, in sectors, of which some are torn. These are mounted and
//! looked through: SQLite's own check, all files, and all snapshots, of which one of some is restored as well. In the normal run that is
//! done for some moments of short workloads; in the long form for each moment of 10,000 operations, and for some of four others.
//!
//! An image that is the same as the one before is not looked through again: a flush makes no other if all is kept, and
//! where nothing waits for a flush there is nothing to lose.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::common::{Disks, Journal, Ram, Random, Told, long};
use crate::model::{Thing, Tree, directory, name, read_all, step};
use crate::pictures::pictures;
use files::{DataDisk, Files, Kind, SECTOR_LEN, UNDONE};

/// Small disks, so that many images can be looked at: with this log a transaction is committed when there is 128 KiB of it.
const DATA_LEN: usize = 16 << 20;
const LOG_LEN: usize = 1 << 20;
/// Bytes that the large file grows to: what is done with it takes several transactions.
const LARGE: usize = 400_000;
const NAME: &str = "large";

/// Bytes of all files beside it, at most: when there are more, the largest goes.
const OTHERS: usize = 600_000;
/// Bytes of the disk that stay free: when there are fewer, the oldest snapshot is forgotten.
const FREE: u64 = 8 << 20;

/// What stands for all files and their bytes: thousands of such states could not be kept themselves.
type Digest = u64;

fn digest(tree: &Tree) -> Digest {
    let mut hasher = DefaultHasher::new();
    tree.hash(&mut hasher);
    hasher.finish()
}

/// Disks without power, as far as what they were told is known.
struct Unpowered {
    /// What is there for sure: all that was flushed.
    kept: [Vec<u8>; 2],
    /// What was written since: it may be there or not.
    waiting: [Vec<(usize, Vec<u8>)>; 2],
    /// The images that are looked at: `kept`, but while [`Unpowered::judge`] is at work.
    images: Disks,
    /// What is different in `images`.
    differs: Journal,
    flushes_work: bool,
    /// What is found with all that was written, once that was looked at; until more is written.
    found: Option<Digest>,
}

/// What a disk keeps of that which was not flushed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Keeps {
    /// All of it, in order.
    All,
    /// Each sector as chance has it, and of some a part.
    Some,
}

impl Unpowered {
    fn new(disks: &Disks, flushes_work: bool) -> Unpowered {
        let kept = [&disks.data, &disks.log].map(|disk| disk.bytes.borrow().clone());
        let [data, log] = kept.clone();
        let (images, differs) = Disks::of(data, log).recorded();
        Unpowered {
            kept,
            waiting: Default::default(),
            images,
            differs,
            flushes_work,
            found: None,
        }
    }

    fn image(&self, number: usize) -> &Ram {
        [&self.images.data, &self.images.log][number]
    }

    /// A disk is told something.
    fn tell(&mut self, number: usize, told: Told) {
        match told {
            Told::Write { offset, bytes } => {
                self.waiting[number].push((offset, bytes));
                self.found = None;
            }
            Told::Flush if self.flushes_work => {
                let image = self.image(number).bytes.clone();
                for (offset, bytes) in self.waiting[number].drain(..) {
                    let range = offset..offset + bytes.len();
                    self.kept[number][range.clone()].copy_from_slice(&bytes);
                    image.borrow_mut()[range].copy_from_slice(&bytes);
                }
            }
            Told::Flush => {}
        }
    }

    /// What is wrong if the power goes now, if anything is. Answers whether that made an image that was not looked at before.
    fn judge(
        &mut self,
        keeps: Keeps,
        random: &mut Random,
        allowed: &[Digest],
        taken: &Taken,
    ) -> Result<bool, String> {
        let nothing_waits = self.waiting.iter().all(Vec::is_empty);
        let known = self.found.filter(|_| keeps == Keeps::All || nothing_waits);
        let found = match known {
            Some(found) => found,
            None => {
                self.lose(keeps, random);
                let found = look(&self.images, taken, random.below(RESTORED) == 0);
                self.repair();
                found?
            }
        };
        if keeps == Keeps::All {
            self.found = Some(found);
        }
        match allowed.contains(&found) {
            true => Ok(known.is_none()),
            false => Err("something else is there than what was synchronised".to_owned()),
        }
    }

    /// Makes the images what the disks may hold.
    fn lose(&self, keeps: Keeps, random: &mut Random) {
        for (number, waiting) in self.waiting.iter().enumerate() {
            let mut image = self.image(number).bytes.borrow_mut();
            for (offset, bytes) in waiting {
                if keeps == Keeps::All {
                    image[*offset..offset + bytes.len()].copy_from_slice(bytes);
                    continue;
                }
                for (i, sector) in bytes.chunks(SECTOR_LEN).enumerate() {
                    let at = offset + i * SECTOR_LEN;
                    let len = match random.below(8) {
                        0..=3 => SECTOR_LEN,
                        4 => random.below(SECTOR_LEN),
                        _ => 0,
                    };
                    image[at..at + len].copy_from_slice(&sector[..len]);
                }
            }
        }
    }

    /// Makes the images again what is there for sure.
    fn repair(&self) {
        let restore = |number: usize, offset: usize, len: usize| {
            let range = offset..offset + len;
            self.image(number).bytes.borrow_mut()[range.clone()]
                .copy_from_slice(&self.kept[number][range]);
        };
        for (number, waiting) in self.waiting.iter().enumerate() {
            for (offset, bytes) in waiting {
                restore(number, *offset, bytes.len());
            }
        }
        for (number, told) in self.differs.take() {
            if let Told::Write { offset, bytes } = told {
                restore(number, offset, bytes.len());
            }
        }
    }
}

/// What snapshots have to show, by their names, which are never given twice.
type Taken = BTreeMap<String, Digest>;

/// Of so many images, one has its last snapshot restored, which takes longer than everything else; all have theirs read.
const RESTORED: usize = 8;

/// Mounts disks, looks for damage, and reads everything.
fn look(disks: &Disks, taken: &Taken, restores: bool) -> Result<Digest, String> {
    let mut files = disks
        .try_mount()
        .map_err(|error| format!("mount: {error:?}"))?;
    let found = files.check().map_err(|error| format!("{error:?}"))?;
    found.map_or(Ok(()), Err)?;
    let tree = digest(&read_all(&mut files));
    // What was there before the last restoration is known to nobody here.
    let shown = pictures(&mut files);
    let known = || shown.iter().filter(|(name, _)| name != UNDONE);
    for (name, tree) in known() {
        if taken.get(name) != Some(&digest(tree)) {
            return Err(format!("the snapshot {name} shows something else"));
        }
    }
    if let (true, Some((name, _))) = (restores, known().next_back()) {
        let restored = files.restore(name);
        restored.map_err(|error| format!("restoring {name}: {error:?}"))?;
        if taken[name] != digest(&read_all(&mut files)) {
            return Err(format!("the snapshot {name} leads to something else"));
        }
    }
    Ok(tree)
}

/// Something that moves much, or a piece of what is left of it.
fn much(
    files: &mut Files,
    disk: &DataDisk,
    tree: &mut Tree,
    random: &mut Random,
    taken: &mut Taken,
    allowed: &mut Vec<Digest>,
    number: usize,
) {
    let root = files.root();
    let names: Vec<String> = files
        .snapshots()
        .unwrap()
        .into_iter()
        .map(|one| one.name)
        .collect();
    let one = names.get(random.below(names.len().max(1))).cloned();
    match (random.below(12), one) {
        (0, _) if names.len() < 3 => {
            let name = format!("s{number}");
            files.snapshot(&name).unwrap();
            taken.insert(name, digest(tree));
        }
        (1, Some(name)) => files.remove_snapshot(&name).unwrap(),
        (2 | 3, Some(name)) => {
            files.restore(&name).unwrap();
            *tree = read_all(files);
            if name != UNDONE {
                assert_eq!(taken[&name], digest(tree));
            }
        }
        (4..=6, _) => {
            if !tree.contains_key(NAME) {
                files.create(root, NAME, Kind::File, 0o644).unwrap();
                tree.insert(NAME.to_owned(), Thing::File(vec![]));
                allowed.push(digest(tree));
            }
            let node = files.lookup(root, NAME).unwrap();
            files.keep(node).unwrap();
            let byte = random.below(256) as u8;
            for _ in 0..12 {
                let Some(Thing::File(bytes)) = tree.get_mut(NAME) else {
                    panic!("it is a file");
                };
                if bytes.len() >= LARGE {
                    break;
                }
                files
                    .write(node, bytes.len() as u64, &[byte; 60_000])
                    .unwrap();
                bytes.resize(bytes.len() + 60_000, byte);
                allowed.push(digest(tree));
            }
            files.close(node).unwrap();
        }
        (7, _) if tree.contains_key(NAME) => {
            let node = files.lookup(root, NAME).unwrap();
            let Some(Thing::File(bytes)) = tree.get_mut(NAME) else {
                panic!("it is a file");
            };
            let len = random.below(bytes.len() + 1);
            bytes.truncate(len);
            files.keep(node).unwrap();
            files.set_len(node, len as u64).unwrap();
            files.close(node).unwrap();
        }
        (8, _) if tree.remove(NAME).is_some() => files.unlink(root, NAME).unwrap(),
        (9, _) => drop(files.trim(disk).unwrap()),
        _ => drop(files.tidy().unwrap()),
    }
}

/// Keeps disk and files small. Answers whether something had to go.
fn make_room(files: &mut Files, tree: &mut Tree) -> bool {
    let len = |thing: &Thing| match thing {
        Thing::File(bytes) => bytes.len(),
        Thing::Directory => 0,
    };
    let others = || tree.iter().filter(|(path, _)| *path != NAME);
    if others().map(|(_, thing)| len(thing)).sum::<usize>() > OTHERS {
        let largest = others().max_by_key(|(_, thing)| len(thing));
        let path = largest.expect("there are some").0.clone();
        let inside = directory(files, &path).unwrap();
        files.unlink(inside, name(&path)).unwrap();
        tree.remove(&path);
        return true;
    }
    if files.space().unwrap().1 > FREE {
        return false;
    }
    match files.snapshots().unwrap().first() {
        Some(oldest) => files.remove_snapshot(&oldest.name).unwrap(),
        None => drop(files.tidy().unwrap()),
    }
    true
}

/// A workload, and which moments of it are looked at.
#[derive(Clone, Copy)]
struct Trial {
    seed: u64,
    operations: usize,
    /// Of so many moments one is looked at.
    every: usize,
    /// Of these this share, counted from 0, of so many. Moments come in blocks, since what follows on each other often has one image.
    share: usize,
    shares: usize,
    flushes_work: bool,
}

impl Trial {
    fn looks_at(&self, moment: usize) -> bool {
        const BLOCK: usize = 16;
        let number = moment / self.every;
        moment.is_multiple_of(self.every) && number / BLOCK % self.shares == self.share
    }
}

/// Moments that were looked at, and images that were.
type Losses = [usize; 2];

/// Runs a workload, with losses of power. Answers how many there were, or the first that was not borne.
fn run(trial: Trial) -> Result<Losses, String> {
    let (disks, journal) = Disks::of(vec![0; DATA_LEN], vec![0; LOG_LEN]).recorded();
    let (mut files, disk) = disks.try_mount_with_disk().unwrap();
    files.sync().unwrap();
    journal.take();
    let mut unpowered = Unpowered::new(&disks, trial.flushes_work);
    let mut tree = Tree::new();
    let (mut random, mut chance) = (Random(trial.seed), Random(trial.seed + 1000));
    // What may be there: what was synchronised, and what was committed since without anybody asking, since it was much.
    let mut allowed = vec![digest(&tree)];
    let (mut moments, mut losses, mut taken) = (0, [0; 2], Taken::new());
    for operation in 1..=trial.operations {
        let before = (journal.borrow().len(), tree.clone());
        match random.below(12) {
            _ if make_room(&mut files, &mut tree) => {}
            0..=2 => {
                let all = (&mut taken, &mut allowed);
                much(
                    &mut files,
                    &disk,
                    &mut tree,
                    &mut random,
                    all.0,
                    all.1,
                    operation,
                );
            }
            _ => step(&mut files, &mut tree, &mut random),
        }
        if journal.borrow().len() > before.0 {
            allowed.extend([digest(&before.1), digest(&tree)]);
        }
        if random.below(8) > 0 && operation < trial.operations {
            continue;
        }
        files.sync().unwrap();
        let next = digest(&tree);
        allowed.push(next);
        let told = journal.take();
        let last = told.len() - usize::from(!told.is_empty());
        for (i, (number, told)) in told.into_iter().enumerate() {
            unpowered.tell(number, told);
            moments += 1;
            if !trial.looks_at(moments) {
                continue;
            }
            // Once the synchronisation was answered, only what it was about.
            let allowed = match i == last {
                true => &[next],
                false => &allowed[..],
            };
            for keeps in [Keeps::All, Keeps::Some] {
                let judged = unpowered.judge(keeps, &mut chance, allowed, &taken);
                let is_new = judged.map_err(|what| {
                    let seed = trial.seed;
                    format!("seed {seed}, power lost at moment {moments}, in operation {operation}, {keeps:?} kept: {what}")
                })?;
                losses[1] += usize::from(is_new);
            }
            losses[0] += 1;
        }
        allowed = vec![next];
    }
    Ok(losses)
}

/// Of so many moments one is looked at, but in the long form of the first workload: there it is each.
const SAMPLE: usize = 61;

#[test]
fn what_was_synchronised_survives_any_loss_of_power() {
    let shares = std::thread::available_parallelism().map_or(1, usize::from);
    let every = |seed| if long() && seed == 1 { 1 } else { SAMPLE };
    let trial = move |seed, share| Trial {
        seed,
        operations: if long() { 10_000 } else { 400 },
        every: every(seed),
        share,
        shares,
        flushes_work: true,
    };
    for seed in if long() { 1..=5 } else { 1..=3 } {
        // Each share does all of the same work, and looks at moments of its own.
        let threads: Vec<_> = (0..shares)
            .map(|share| std::thread::spawn(move || run(trial(seed, share))))
            .collect();
        let (mut moments, mut images) = (0, 0);
        for thread in threads {
            match thread.join().unwrap() {
                Ok([more, looked]) => (moments, images) = (moments + more, images + looked),
                Err(what) => panic!("{what}"),
            }
        }
        assert!(moments > 30, "{moments}");
        let (operations, every) = (trial(seed, 0).operations, every(seed));
        println!(
            "RESULT seed {seed}, {operations} operations, one of {every} moments: {moments} losses of power, {images} images"
        );
    }
}

/// The control: disks that only say that they flushed must be found out.
#[test]
fn disks_that_do_not_flush_are_found_out() {
    let trial = Trial {
        seed: 1,
        operations: 150,
        every: 20,
        share: 0,
        shares: 1,
        flushes_work: false,
    };
    assert!(run(trial).is_err());
}
