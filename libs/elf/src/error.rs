//! Why an image was refused.

/// Why an image was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin like an ELF file.
    NotElf,
    /// The file ends before something that its headers name.
    Truncated,
    /// It is for 32-bit or for big-endian machines, or of an unknown version.
    Not64BitLittleEndian,
    /// It is for another processor.
    WrongMachine,
    /// It has to be loaded at one fixed address, or is not a program at all.
    NotPositionIndependent,
    /// The table of program headers is malformed or too long.
    BadProgramHeaders,
    /// It has no segment to load.
    NothingToLoad,
    /// A segment to load has no bytes.
    EmptySegment,
    /// Its lowest address is not in page 0.
    FirstPageEmpty,
    /// It spans more memory than allowed.
    TooLarge,
    /// Two segments overlap, share a page or are not in ascending order.
    SegmentsOverlap,
    /// A segment is writable and executable at once.
    WritableCode,
    /// Its entry point is not in an executable segment.
    EntryNotExecutable,
    /// It wants to be loaded by an interpreter.
    NeedsInterpreter,
    /// It is linked to a shared library.
    NeedsLibrary,
    /// It has thread-local variables.
    ThreadLocal,
    /// The dynamic section is malformed or too long.
    BadDynamicSection,
    /// It has a relocation that is not just relative to the load address.
    RelocationKind,
    /// A relocation is not at a multiple of 8.
    RelocationUnaligned,
    /// A relocation lies outside all segments.
    RelocationOutside,
    /// A relocation points outside the image.
    RelocationTarget,
}

impl Error {
    /// What is wrong, as the rest of a sentence that begins with the image's name.
    pub const fn describe(self) -> &'static str {
        match self {
            Error::NotElf => "is not an ELF file",
            Error::Truncated => "ends too early",
            Error::Not64BitLittleEndian => "is not for a 64-bit little-endian machine",
            Error::WrongMachine => "is for another processor",
            Error::NotPositionIndependent => "is not position-independent (link it with -pie)",
            Error::BadProgramHeaders => "has malformed program headers",
            Error::NothingToLoad => "has nothing to load",
            Error::EmptySegment => "has an empty segment",
            Error::FirstPageEmpty => "does not start in page 0",
            Error::TooLarge => "needs more memory than allowed",
            Error::SegmentsOverlap => "has segments that overlap or share a page",
            Error::WritableCode => "has a segment that is writable and executable",
            Error::EntryNotExecutable => "starts outside its code",
            Error::NeedsInterpreter => "wants an interpreter (link it with --no-dynamic-linker)",
            Error::NeedsLibrary => "wants a shared library",
            Error::ThreadLocal => "has thread-local variables",
            Error::BadDynamicSection => "has a malformed dynamic section",
            Error::RelocationKind => "has a relocation other than RELATIVE",
            Error::RelocationUnaligned => "has an unaligned relocation",
            Error::RelocationOutside => "has a relocation outside of what may be written",
            Error::RelocationTarget => "has a relocation that points outside it",
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.describe())
    }
}

impl core::error::Error for Error {}
