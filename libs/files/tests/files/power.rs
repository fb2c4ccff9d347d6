//! Loss of power at any moment: whatever the disks kept, what was synchronised is there.
//!
//! A random workload runs, with snapshots, with files that are deleted and cut in pieces and with pieces of that in between, and what both disks are told meanwhile is kept. For each moment in between, images are made of what
//! disks may hold if the power goes then, and these are mounted and looked through. In the normal run that is done for some moments
//! of a short workload; in the long form for each of 10,000 operations.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::common::{Disks, Journal, Ram, Random, Told, long};
use crate::model::{Thing, Tree, read_all, step};
use files::{Files, Kind, SECTOR_LEN, UNDONE};

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
        }
    }

    fn image(&self, number: usize) -> &Ram {
        [&self.images.data, &self.images.log][number]
    }

    /// A disk is told something.
    fn tell(&mut self, number: usize, told: Told) {
        match told {
            Told::Write { offset, bytes } => self.waiting[number].push((offset, bytes)),
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

    /// What is wrong if the power goes now, if anything is.
    fn judge(
        &self,
        keeps: Keeps,
        random: &mut Random,
        allowed: &[Digest],
        taken: &Taken,
    ) -> Result<(), String> {
        for (number, waiting) in self.waiting.iter().enumerate() {
            let mut image = self.image(number).bytes.borrow_mut();
            for (offset, bytes) in waiting {
                for (i, sector) in bytes.chunks(SECTOR_LEN).enumerate() {
                    let at = offset + i * SECTOR_LEN;
                    let len = match (keeps, random.below(8)) {
                        (Keeps::All, _) | (_, 0..=3) => SECTOR_LEN,
                        (_, 4) => random.below(SECTOR_LEN),
                        _ => 0,
                    };
                    image[at..at + len].copy_from_slice(&sector[..len]);
                }
            }
        }
        let found = look(&self.images, taken);
        // Back to what is there for sure.
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
        match allowed.contains(&digest(&found?)) {
            true => Ok(()),
            false => Err("something else is there than what was synchronised".to_owned()),
        }
    }
}

/// What snapshots have to show, by their names, which are never given twice.
type Taken = BTreeMap<String, Digest>;

/// Mounts disks, looks for damage, and reads everything; then the last snapshot as well.
fn look(disks: &Disks, taken: &Taken) -> Result<Tree, String> {
    let mut files = disks
        .try_mount()
        .map_err(|error| format!("mount: {error:?}"))?;
    let found = files.check().map_err(|error| format!("{error:?}"))?;
    found.map_or(Ok(()), Err)?;
    let tree = read_all(&mut files);
    let snapshots = files.snapshots().map_err(|error| format!("{error:?}"))?;
    // What was there before the last restoration is known to nobody here.
    if let Some(last) = snapshots.iter().rfind(|one| one.name != UNDONE) {
        let restored = files.restore(&last.name);
        restored.map_err(|error| format!("restoring {}: {error:?}", last.name))?;
        if taken.get(&last.name) != Some(&digest(&read_all(&mut files))) {
            return Err(format!("the snapshot {} shows something else", last.name));
        }
    }
    Ok(tree)
}

/// Something that moves much, or a piece of what is left of it.
fn much(
    files: &mut Files,
    tree: &mut Tree,
    random: &mut Random,
    taken: &mut Taken,
    allowed: &mut Vec<Digest>,
    number: usize,
) {
    const NAME: &str = "large";
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
                if bytes.len() >= 1 << 20 {
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
        _ => drop(files.tidy().unwrap()),
    }
}

/// A workload, and which moments of it are looked at.
#[derive(Clone, Copy)]
struct Trial {
    seed: u64,
    operations: usize,
    /// Of so many moments one is looked at, beginning with this one.
    every: usize,
    first: usize,
    flushes_work: bool,
}

/// Runs a workload, with losses of power. Answers how many there were, or the first that was not borne.
fn run(trial: Trial) -> Result<usize, String> {
    let (disks, journal) = Disks::new().recorded();
    let mut files = disks.mount();
    files.sync().unwrap();
    journal.take();
    let mut unpowered = Unpowered::new(&disks, trial.flushes_work);
    let mut tree = Tree::new();
    let (mut random, mut chance) = (Random(trial.seed), Random(trial.seed + 1000));
    // What may be there: what was synchronised, and what was committed since without anybody asking, since it was much.
    let mut allowed = vec![digest(&tree)];
    let (mut moments, mut losses, mut taken) = (0, 0, Taken::new());
    for operation in 1..=trial.operations {
        let before = (journal.borrow().len(), tree.clone());
        match random.below(12) {
            0..=2 => {
                let all = (&mut taken, &mut allowed);
                much(&mut files, &mut tree, &mut random, all.0, all.1, operation);
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
            if moments % trial.every != trial.first {
                continue;
            }
            // Once the synchronisation was answered, only what it was about.
            let allowed = match i == last {
                true => &[next],
                false => &allowed[..],
            };
            for keeps in [Keeps::All, Keeps::Some] {
                let judged = unpowered.judge(keeps, &mut chance, allowed, &taken);
                judged.map_err(|what| {
                    let seed = trial.seed;
                    format!("seed {seed}, power lost at moment {moments}, in operation {operation}, {keeps:?} kept: {what}")
                })?;
                losses += 1;
            }
        }
        allowed = vec![next];
    }
    Ok(losses)
}

/// In the normal run, of so many moments one is looked at.
const SAMPLE: usize = 61;

#[test]
fn what_was_synchronised_survives_any_loss_of_power() {
    let shares = std::thread::available_parallelism().map_or(1, usize::from);
    let trial = move |seed, share| Trial {
        seed,
        operations: if long() { 10_000 } else { 400 },
        every: if long() { shares } else { shares * SAMPLE },
        first: share,
        flushes_work: true,
    };
    for seed in if long() { 1..=5 } else { 1..=3 } {
        // Each share does all of the same work, and looks at moments of its own.
        let threads: Vec<_> = (0..shares)
            .map(|share| std::thread::spawn(move || run(trial(seed, share))))
            .collect();
        let mut losses = 0;
        for thread in threads {
            match thread.join().unwrap() {
                Ok(more) => losses += more,
                Err(what) => panic!("{what}"),
            }
        }
        assert!(losses > 30, "{losses}");
        let operations = trial(seed, 0).operations;
        println!("RESULT seed {seed}, {operations} operations, losses of power: {losses}");
    }
}

/// The control: disks that only say that they flushed must be found out.
#[test]
fn disks_that_do_not_flush_are_found_out() {
    let trial = Trial {
        seed: 1,
        operations: 150,
        every: 20,
        first: 0,
        flushes_work: false,
    };
    assert!(run(trial).is_err());
}
