//! The limits on the size of one submission, and on the cost of reading it.

/// The limits of one submission. [`IntakeLimits::default`] fits every exercise of the course many times
/// over; the reason for each figure stands with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Source files taken, 200: an exercise has a handful, a course some twenty exercises at most.
    pub files: usize,
    /// Bytes of one source file, 1 MiB: more is generated or no source, and compiles for minutes.
    pub file_bytes: u64,
    /// Bytes of all source files, 8 MiB: they are held in memory, once per submission in progress.
    pub total_bytes: u64,
    /// Entries of an archive or of the folders looked at, 20,000: an archive may hold a `target`
    /// folder, which has some thousands; each entry costs a few hundred bytes or one system call.
    pub entries: usize,
    /// Bytes of an archive as it was handed in, 64 MiB: sources have some kilobytes; the rest is
    /// room for build output and data that were packed along.
    pub archive_bytes: u64,
    /// Bytes that a `.tar.gz` unpacks to, 512 MiB: it can only be read from the front, so all that
    /// lies before a source file is unpacked and thrown away. 200 MiB of text were measured to take
    /// 0.2 s, and 2.7 s where the grader itself is built without optimisation.
    pub unpacked_bytes: u64,
    /// Gzip members of a `.tar.gz`, 10,000: gzip and tar make one, tools that pack in parallel or for random access one
    /// for every 64 KiB or more. Each costs microseconds, also where it holds nothing.
    pub members: usize,
    /// Seconds of processor time, 20: whatever the figures above let through was measured to take less than 3.
    pub seconds: u64,
    /// Times that an archive grows when unpacked, 200: source grows about 5 times, tar headers
    /// about 50, a bomb 1,000. Only counts beyond [`file_bytes`](Self::file_bytes), below which it
    /// costs nothing.
    pub ratio: u64,
    /// Folders within folders below `src/`, 32: nobody's modules nest that deep, and each level of
    /// a folder holds an open descriptor while it is walked.
    pub depth: usize,
    /// Bytes of a source file's path below `src/`, 255: what a file name may have at most, so that
    /// every path that is taken can also be written.
    pub name_bytes: usize,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            files: 200,
            file_bytes: MIB,
            total_bytes: 8 * MIB,
            entries: 20_000,
            archive_bytes: 64 * MIB,
            unpacked_bytes: 512 * MIB,
            members: 10_000,
            seconds: 20,
            ratio: 200,
            depth: 32,
            name_bytes: 255,
        }
    }
}

impl IntakeLimits {
    /// Whether `packed` bytes may unpack to `unpacked` bytes.
    pub(super) fn allow_growth(&self, packed: u64, unpacked: u64) -> bool {
        unpacked <= self.file_bytes || unpacked <= packed.saturating_mul(self.ratio)
    }
}
