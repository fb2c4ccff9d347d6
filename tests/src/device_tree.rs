//! Device trees with something wrong, made of QEMU's own.
//!
//! Words of the format are named in "Devicetree Specification v0.4", chapter 5.

/// Offsets in the header (5.2).
const TOTAL_LEN: usize = 4;
const STRUCTURE: usize = 8;
const STRINGS: usize = 12;
const STRINGS_LEN: usize = 32;
const STRUCTURE_LEN: usize = 36;
/// Tokens of the structure (5.4.1).
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;

/// A tree that can be changed. Its structure comes before its strings, as QEMU writes it.
pub struct DeviceTree(Vec<u8>);

impl DeviceTree {
    /// The tree of QEMU's `virt` machine with one CPU, as the kernel's own tests have it.
    pub fn of(arch: &str) -> DeviceTree {
        let name = match arch {
            "arm64" => "arm64-v2.dtb",
            _ => "riscv64-1.dtb",
        };
        let trees = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../kernel/src/platform/devicetree/trees"
        );
        let tree = std::fs::read(std::path::Path::new(trees).join(name));
        DeviceTree(tree.expect("the tree is there"))
    }

    fn word(&self, at: usize) -> usize {
        let bytes = self.0[at..][..4].try_into().expect("four of them");
        u32::from_be_bytes(bytes) as usize
    }

    fn grow(&mut self, field: usize, by: usize) {
        let value = (self.word(field) + by) as u32;
        self.0[field..][..4].copy_from_slice(&value.to_be_bytes());
    }

    fn insert_into_structure(&mut self, at: usize, bytes: &[u8]) {
        assert!(self.word(STRUCTURE) < self.word(STRINGS));
        self.0.splice(at..at, bytes.iter().copied());
        for field in [TOTAL_LEN, STRINGS, STRUCTURE_LEN] {
            self.grow(field, bytes.len());
        }
    }

    /// With as many nodes more, each in the one before.
    pub fn deepened(mut self, depth: usize) -> DeviceTree {
        let mut nodes = Vec::new();
        for _ in 0..depth {
            nodes.extend(BEGIN_NODE.to_be_bytes());
            nodes.extend(b"a\0\0\0");
        }
        nodes.extend(std::iter::repeat_n(END_NODE.to_be_bytes(), depth).flatten());
        // Before the root's end and that of the structure.
        let at = self.word(STRUCTURE) + self.word(STRUCTURE_LEN) - 8;
        self.insert_into_structure(at, &nodes);
        self
    }

    /// With a node that is not to be used (2.3.4). `node` is its name with its address.
    pub fn disabled(mut self, node: &str) -> DeviceTree {
        let strings = self.word(STRINGS);
        let name = self.word(STRINGS_LEN);
        let end = strings + name;
        self.0.splice(end..end, *b"status\0");
        for field in [TOTAL_LEN, STRINGS_LEN] {
            self.grow(field, 7);
        }
        let mut begin = BEGIN_NODE.to_be_bytes().to_vec();
        begin.extend(node.as_bytes());
        begin.resize((begin.len() + 1).next_multiple_of(4), 0);
        let at = self.0.windows(begin.len()).position(|bytes| bytes == begin);
        let at = at.expect("there is such a node") + begin.len();
        let mut property = Vec::new();
        for word in [PROPERTY, 9, name as u32] {
            property.extend(word.to_be_bytes());
        }
        property.extend(b"disabled\0\0\0\0");
        self.insert_into_structure(at, &property);
        self
    }

    /// As a file for QEMU's `-dtb`, in a folder of a test.
    pub fn write(&self, folder: &crate::folder::Folder) -> String {
        let path = folder.0.join("tree.dtb");
        std::fs::write(&path, &self.0).expect("the folder can be written");
        path.to_str().expect("it is UTF-8").to_owned()
    }
}
