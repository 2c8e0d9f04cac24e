//! Walks a submission that is a `.tar.gz`, from front to back.
//!
//! The tar crate only cuts the stream into headers and data here. What one header says about the
//! next (long names) is read in this file, because the crate reads it whole, however long it is.

use std::io::{self, BufRead, BufReader, Read, Take};

use flate2::bufread::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::basket::Basket;
use super::effort::{Effort, MeteredReader};
use super::place::{EntryRole, is_of_a_folder};
use super::{IntakeLimits, Refusal};

/// Offers every source in `file` to the basket.
pub(super) fn read(file: impl Read, basket: &mut Basket<'_>) -> Result<(), Refusal> {
    let mut archive = Archive::new(DecompressedReader::new(file, basket.limits, basket.effort));
    walk(&mut archive, basket)?;
    // To the end of the stream, where its checksum is.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if rest.unpacked == 0 {
        return Err(unclear("it is empty"));
    }
    Ok(())
}

fn walk<R: Read>(
    archive: &mut Archive<DecompressedReader<'_, R>>,
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    let most = basket.limits.file_bytes;
    let mut long_name: Option<Vec<u8>> = None;
    let mut about = Records::default();
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        basket.count_entry()?;
        let said = match entry.header().entry_type() {
            EntryType::XHeader => {
                let mut records = Records::of(&read_whole(&mut entry, most)?)?;
                let path = records.path.take();
                if records != Records::default() {
                    about = records;
                }
                path
            }
            EntryType::XGlobalHeader => match Records::of(&read_whole(&mut entry, most)?)? {
                records if records == Records::default() => continue,
                _ => return Err(unclear("it gives one name or size to all entries")),
            },
            EntryType::GNULongName => {
                let mut name = read_whole(&mut entry, most)?;
                if name.last() == Some(&0) {
                    name.pop();
                }
                Some(name)
            }
            // The target of a link, which is refused when it comes.
            EntryType::GNULongLink => continue,
            _ => {
                let name = long_name
                    .take()
                    .unwrap_or_else(|| entry.header().path_bytes().into_owned());
                offer(&name, &std::mem::take(&mut about), entry, basket)?;
                continue;
            }
        };
        if said.is_some() && long_name.is_some() {
            return Err(unclear("it gives two names to one entry"));
        }
        long_name = said.or(long_name);
    }
    match long_name {
        None => Ok(()),
        Some(_) => Err(unclear("it gives a name to no entry")),
    }
}

/// Takes the entry if it is a source, refuses it if it may not be in an archive.
fn offer(
    name: &[u8],
    about: &Records,
    entry: Entry<'_, impl Read>,
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    let header = entry.header();
    let kind = header.entry_type();
    // All tools must agree on the size of the data that follows.
    if about.size.is_some_and(|size| size != entry.size()) {
        return Err(unclear("it gives an entry a second size"));
    }
    let has_none = matches!(
        kind,
        EntryType::Link | EntryType::Symlink | EntryType::Char | EntryType::Block | EntryType::Fifo
    );
    if has_none && entry.size() > 0 {
        return Err(unclear("it gives data to a link or device"));
    }
    if kind == EntryType::GNUSparse && header.as_gnu().is_some_and(|gnu| gnu.is_extended()) {
        return Err(unclear(
            "it holds a file with many holes, as tar --sparse makes it",
        ));
    }
    // In an old archive, folders are files whose names end as a folder's.
    let is_folder = kind == EntryType::Directory || is_of_a_folder(name);
    let is_whole = matches!(kind, EntryType::Regular | EntryType::Continuous) && !about.has_holes;
    let mut place = basket.place(name, is_whole && !is_folder)?;
    if let Some(real) = &about.name {
        // Of a file with holes, which has a name made up by the tool as well.
        let real = basket.place(real, false)?;
        if matches!(place, EntryRole::Elsewhere | EntryRole::Scrap) {
            place = real;
        }
    }
    let is_plain = is_whole || kind == EntryType::Directory;
    if !is_plain && matches!(place, EntryRole::Source(_) | EntryRole::Way(_)) {
        let kind = if about.has_holes {
            EntryType::GNUSparse
        } else {
            kind
        };
        return Err(Refusal::not_plain(name, kind_in_words(kind)));
    }
    if let EntryRole::Source(spot) = place
        && is_whole
        && !is_folder
        && basket.wants(&spot)?
    {
        // Should the stream end within it, going to the next header fails.
        basket.take(spot, entry, broken)?;
    }
    Ok(())
}

/// The data of a header that is about another one.
fn read_whole(entry: &mut Entry<'_, impl Read>, most: u64) -> Result<Vec<u8>, Refusal> {
    if entry.size() > most {
        return Err(unclear("a header in it is too long"));
    }
    let mut data = Vec::new();
    entry.read_to_end(&mut data).map_err(broken)?;
    Ok(data)
}

/// The facts about the next entry in pax records (`LENGTH KEY=VALUE\n`, one after the other), as far as they matter.
#[derive(Debug, Default, PartialEq, Eq)]
struct Records {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    /// The name of a file with holes.
    name: Option<Vec<u8>>,
    has_holes: bool,
}

impl Records {
    fn of(mut records: &[u8]) -> Result<Self, Refusal> {
        let mut found = Self::default();
        while !records.is_empty() {
            let (key, value, rest) =
                split_record(records).ok_or_else(|| unclear("a pax header in it is malformed"))?;
            match key {
                b"path" if found.path.is_none() => found.path = Some(value.to_vec()),
                b"GNU.sparse.name" if found.name.is_none() => found.name = Some(value.to_vec()),
                b"path" | b"GNU.sparse.name" => {
                    return Err(unclear("it gives two names to one entry"));
                }
                b"size" => {
                    let size = str::from_utf8(value)
                        .ok()
                        .and_then(|size| size.parse().ok());
                    let size = size.ok_or_else(|| unclear("a pax header in it is malformed"))?;
                    if found.size.replace(size).is_some_and(|known| known != size) {
                        return Err(unclear("it gives an entry a second size"));
                    }
                }
                _ => {}
            }
            found.has_holes |= key.starts_with(b"GNU.sparse.");
            records = rest;
        }
        Ok(found)
    }
}

/// The key and the value of the first record, and what follows it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length = str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

fn kind_in_words(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a file with holes",
        _ => "of an unknown kind",
    }
}

/// The file, and how much of it was read.
type CompressedReader<'a, R> = BufReader<MeteredReader<'a, Take<R>>>;

/// The unpacked stream. It fails where it grows beyond the limits.
struct DecompressedReader<'a, R> {
    /// The gzip member that is read. None once the file has ended.
    member: Option<GzDecoder<CompressedReader<'a, R>>>,
    members: usize,
    unpacked: u64,
    limits: &'a IntakeLimits,
}

impl<'a, R: Read> DecompressedReader<'a, R> {
    fn new(file: R, limits: &'a IntakeLimits, effort: &'a Effort<'a>) -> Self {
        let inner = file.take(limits.archive_bytes);
        Self {
            member: Some(GzDecoder::new(BufReader::new(MeteredReader {
                inner,
                effort,
            }))),
            members: 1,
            unpacked: 0,
            limits,
        }
    }

    /// Goes on to the member after the one that has ended. The decoder of the crate that does so by itself would look
    /// for the first that holds something, through millions of empty ones.
    fn go_on(&mut self) -> io::Result<()> {
        let Some(ended) = self.member.take() else {
            return Ok(());
        };
        let mut rest = ended.into_inner();
        match rest.fill_buf()?.first() {
            None => return Ok(()),
            // Padding to whole blocks, which gzip does not heed either.
            Some(0) => return skip_zeros(rest),
            Some(_) => {}
        }
        self.members += 1;
        if self.members > self.limits.members {
            return Err(io::Error::other(Refusal::TooManyMembers {
                limit: self.limits.members,
            }));
        }
        self.member = Some(GzDecoder::new(rest));
        Ok(())
    }
}

/// Reads zeros to the end.
///
/// # Errors
/// Returns an error if anything else is there.
fn skip_zeros(mut rest: impl BufRead) -> io::Result<()> {
    loop {
        let buffer = rest.fill_buf()?;
        let length = buffer.len();
        if length == 0 {
            return Ok(());
        }
        if buffer.iter().any(|byte| *byte != 0) {
            return Err(io::Error::other("there is something behind its end"));
        }
        rest.consume(length);
    }
}

impl<R: Read> Read for DecompressedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = self.member.as_mut().filter(|_| !buffer.is_empty()) {
            let count = member.read(buffer)?;
            if count == 0 {
                self.go_on()?;
                continue;
            }
            self.unpacked += count as u64;
            if self.unpacked > self.limits.unpacked_bytes {
                return Err(io::Error::other(Refusal::UnpacksTooLarge {
                    limit: self.limits.unpacked_bytes,
                }));
            }
            let packed = self.limits.archive_bytes - member.get_ref().get_ref().inner.limit();
            if !self.limits.allow_growth(packed, self.unpacked) {
                return Err(io::Error::other(Refusal::GrowsTooMuch {
                    limit: self.limits.ratio,
                }));
            }
            return Ok(count);
        }
        Ok(0)
    }
}

/// The refusal that an error carries, or else that the archive is broken.
fn broken(error: io::Error) -> Refusal {
    match error.downcast::<Refusal>() {
        Ok(refusal) => refusal,
        Err(error) => unclear(&error.to_string()),
    }
}

fn unclear(why: &str) -> Refusal {
    Refusal::broken("tar.gz", why)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::testing::{Dir, SOLVED, gzip, pax, refusal, tar_entry, tarball};
    use super::super::{IntakeLimits, NameFault};
    use super::*;

    const LIB: &str = "01-patchify/src/lib.rs";

    /// A tarball of one good source and this.
    fn with(entry: &[u8]) -> Dir {
        tarball(&[&tar_entry(b'0', LIB, SOLVED), entry])
    }

    #[test]
    fn sources_are_taken_and_the_rest_is_left() {
        let archive = tarball(&[
            &pax(b'g', "comment", "made by a tool"),
            &tar_entry(b'5', "./", b""),
            &tar_entry(b'0', "./ada/exercises/01-patchify/Cargo.toml", b"[lib]"),
            &tar_entry(b'0', "./ada/exercises/01-patchify/src/lib.rs", SOLVED),
            &tar_entry(b'0', "ada/exercises/01-patchify/src/notes.txt", b"\xff"),
            &tar_entry(b'0', "ada/exercises/01-patchify/src/._lib.rs", b"\xff\0"),
            &tar_entry(b'0', "ada/more.tar.gz", b"junk"),
        ]);
        let taken = archive.read().expect("a good archive");
        assert_eq!(taken.exercises.len(), 1);
        assert_eq!(taken.exercises["01-patchify"].len(), 1);
        assert_eq!(taken.exercises["01-patchify"][0].path, "lib.rs");
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
    }

    #[test]
    fn long_names_of_both_kinds_are_heeded() {
        let long = format!("03-msa/src/{}.rs", "m".repeat(150));
        for said in [
            tar_entry(b'L', "././@LongLink", format!("{long}\0").as_bytes()),
            pax(b'x', "path", &long),
        ] {
            let taken = tarball(&[&said, &tar_entry(b'0', "cut", SOLVED)]).read();
            let taken = taken.expect("a good archive");
            assert_eq!(taken.exercises["03-msa"][0].path, long[11..]);
        }
    }

    #[test]
    fn a_pax_value_may_hold_line_ends() {
        let said = pax(b'x', "SCHILY.xattr.user.note", "two\nlines");
        tarball(&[&said, &tar_entry(b'0', LIB, SOLVED)])
            .read()
            .expect("a good archive");
    }

    #[test]
    fn links_devices_and_holes_are_refused_where_sources_lie_and_left_elsewhere() {
        for (kind, words) in [
            (b'1', "a hard link"),
            (b'2', "a symbolic link"),
            (b'3', "a device"),
            (b'4', "a device"),
            (b'6', "a pipe"),
            (b'S', "a file with holes"),
            (b'V', "of an unknown kind"),
        ] {
            for name in [
                "01-patchify/src/heads.rs",
                "01-patchify/src/data",
                "03-msa/src",
                "03-msa",
                "exercises",
                "ada/exercises",
            ] {
                let why = refusal(with(&tar_entry(kind, name, b"")).read());
                assert!(why.starts_with(&format!("`{name}` is {words};")), "{why}");
            }
            for name in ["venv/bin/python3", "build/b.bin", "x.rs"] {
                let taken = with(&tar_entry(kind, name, b"")).read();
                assert_eq!(taken.expect("a good archive").exercises.len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn links_in_build_output_and_dot_folders_are_left() {
        for name in [".libtorch", "target/debug/patchify", "ada/target/x"] {
            with(&tar_entry(b'1', name, b""))
                .read()
                .expect("a good archive");
        }
    }

    #[test]
    fn a_link_or_device_with_data_is_refused_since_tools_disagree_on_it() {
        for kind in *b"12346" {
            let why = refusal(with(&tar_entry(kind, "venv/x", &[0; 512])).read());
            assert!(why.contains("it gives data to a link or device"), "{why}");
        }
    }

    #[test]
    fn a_file_with_holes_is_left_where_no_sources_lie() {
        let holes = |name: &str| {
            let said = [
                pax(b'x', "GNU.sparse.major", "1"),
                pax(b'x', "GNU.sparse.name", name),
            ];
            // One header with both records, as tools write it.
            let records = [&said[0][512..][..22], &said[1][512..]].concat();
            let length = records.iter().position(|byte| *byte == 0);
            let said = tar_entry(b'x', "pax", &records[..length.unwrap_or(records.len())]);
            let file = tar_entry(b'0', "GNUSparseFile.0/x", b"1\n0\n1\n");
            with(&[said, file].concat()).read()
        };
        let taken = holes("data/weights.bin").expect("a good archive");
        assert_eq!(taken.exercises.len(), 1);
        let why = refusal(holes("03-msa/src/lib.rs"));
        assert!(why.contains("is a file with holes"), "{why}");
        // Of this one, not all of the list of holes is in the header.
        let mut long = tar_entry(b'S', "data/weights.bin", b"");
        long[257..265].copy_from_slice(b"ustar  \0");
        long[482] = 1;
        super::super::testing::set_checksum(&mut long);
        let why = refusal(with(&long).read());
        assert!(why.contains("many holes"), "{why}");
    }

    #[test]
    fn names_in_any_encoding_are_taken_or_left() {
        for name in [
            &b"notes/\xdcbung.txt"[..],
            b"01-patchify/src/\xdc.txt",
            b"\xdc/",
        ] {
            let taken = with(&tar_entry(b'0', name, b"x")).read();
            assert_eq!(
                taken.expect("a good archive").exercises.len(),
                1,
                "{name:?}"
            );
        }
        let name = b"M\xfcller/exercises/03-msa/src/lib.rs";
        let taken = tarball(&[&tar_entry(b'0', name, SOLVED)]).read();
        let taken = taken.expect("a good archive");
        assert_eq!(taken.exercises["03-msa"][0].bytes, SOLVED);
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        for (name, fault) in [
            ("../evil.rs", NameFault::Parent),
            ("01-patchify/src/../../../x", NameFault::Parent),
            ("/etc/passwd", NameFault::Absolute),
            ("01-patchify\\..\\..\\x", NameFault::Parent),
            ("\\x", NameFault::Absolute),
        ] {
            for entry in [
                tar_entry(b'0', name, b""),
                [pax(b'x', "path", name), tar_entry(b'0', "fine", b"")].concat(),
            ] {
                let found = with(&entry).read();
                assert!(
                    matches!(found, Err(Refusal::Name { fault: f, .. }) if f == fault),
                    "{found:?}"
                );
            }
        }
    }

    #[test]
    fn an_entry_listed_twice_is_refused() {
        for name in [LIB, "./01-patchify//src/lib.rs"] {
            let found = with(&tar_entry(b'0', name, b"")).read();
            assert!(matches!(found, Err(Refusal::Twice { .. })), "{found:?}");
        }
    }

    #[test]
    fn headers_that_tools_read_differently_are_refused() {
        let file = tar_entry(b'0', LIB, SOLVED);
        let path = pax(b'x', "path", "03-msa/src/lib.rs");
        let long = tar_entry(b'L', "././@LongLink", b"03-msa/src/lib.rs\0");
        let two = [
            pax(b'x', "size", "1"),
            pax(b'x', "size", "one"),
            pax(b'g', "path", "x"),
            pax(b'g', "size", "21"),
            tar_entry(b'x', "pax", b"9 path=x"),
            tar_entry(b'x', "pax", b"99999999999999999999 path=x\n"),
            [path.clone(), long.clone()].concat(),
            [long.clone(), long.clone()].concat(),
        ];
        let size = SOLVED.len().to_string();
        let same = tarball(&[&pax(b'x', "size", &size), &file]).read();
        same.expect("its size is said twice, and the same");
        for said in two {
            let why = refusal(tarball(&[&said, &file]).read());
            assert!(why.starts_with("not a readable tar.gz archive: "), "{why}");
        }
        let why = refusal(tarball(&[&file, &long]).read());
        assert!(why.contains("gives a name to no entry"), "{why}");
    }

    #[test]
    fn a_cut_or_broken_archive_is_refused() {
        let good = gzip(&[tar_entry(b'0', LIB, SOLVED), vec![0; 1024]].concat());
        let in_file = gzip(&tar_entry(b'0', LIB, &[b' '; 900])[..1000]);
        let mut in_checksum = good.clone();
        let last = in_checksum.len() - 5;
        in_checksum[last] ^= 1;
        for bytes in [
            &good[..good.len() - 20],
            &good[..good.len() - 1],
            &good[..5],
            b"",
            b"PK\x05\x06",
            &gzip(b""),
            &gzip(&[b'x'; 2000]),
            &in_file,
            &in_checksum,
        ] {
            let why = refusal(Dir::archive("ada.tar.gz", bytes).read());
            assert!(why.starts_with("not a readable tar.gz archive: "), "{why}");
        }
        Dir::archive("ada.tar.gz", &good)
            .read()
            .expect("a good archive");
        let padded = [&good[..], &[0; 10_000]].concat();
        let taken = Dir::archive("ada.tar.gz", &padded).read();
        assert_eq!(taken.expect("a good archive").exercises.len(), 1);
        for behind in [&b"x"[..], b"\0\0x", &[&[0; 10_000][..], &good].concat()] {
            let more = [&good[..], behind].concat();
            let why = refusal(Dir::archive("ada.tar.gz", &more).read());
            assert!(why.starts_with("not a readable tar.gz archive: "), "{why}");
        }
    }

    #[test]
    fn a_declared_size_is_not_trusted() {
        let mut entry = tar_entry(b'0', LIB, b"");
        entry[124..136].copy_from_slice(b"77777777777\0"); // 8 GiB
        super::super::testing::set_checksum(&mut entry);
        let why = refusal(tarball(&[&entry]).read());
        assert!(why.starts_with("not a readable tar.gz archive: "), "{why}");
        entry[156] = b'L';
        super::super::testing::set_checksum(&mut entry);
        let why = refusal(tarball(&[&entry]).read());
        assert!(why.contains("a header in it is too long"), "{why}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let zeros = vec![0; 8 << 20];
        let bomb = tarball(&[&tar_entry(b'0', "weights.bin", &zeros)]);
        let found = bomb.read();
        assert!(
            matches!(found, Err(Refusal::GrowsTooMuch { limit: 200 })),
            "{found:?}"
        );
        let limits = IntakeLimits {
            ratio: u64::MAX,
            unpacked_bytes: 4 << 20,
            ..IntakeLimits::default()
        };
        let found = bomb.read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::UnpacksTooLarge { .. })),
            "{found:?}"
        );
    }

    #[test]
    fn a_bomb_behind_the_end_mark_is_refused() {
        let mut tar = tar_entry(b'0', LIB, SOLVED);
        tar.extend(vec![0; 8 << 20]);
        let found = Dir::archive("ada.tgz", &gzip(&tar)).read();
        assert!(
            matches!(found, Err(Refusal::GrowsTooMuch { .. })),
            "{found:?}"
        );
    }

    #[test]
    fn too_many_headers_are_refused() {
        let limits = IntakeLimits {
            entries: 3,
            ..IntakeLimits::default()
        };
        let said = pax(b'x', "mtime", "1");
        let found = tarball(&[&said, &said, &said, &said]).read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::TooManyEntries { limit: 3 })),
            "{found:?}"
        );
    }

    #[test]
    fn gzip_members_without_end_are_refused() {
        let tar = [tar_entry(b'0', LIB, SOLVED), vec![0; 1024]].concat();
        let empty = gzip(b"");
        for (front, back) in [
            (&tar[..], &b""[..]),
            (&tar[..600], &tar[600..]),
            (b"", &tar),
        ] {
            let members = [gzip(front), empty.repeat(10_000), gzip(back)].concat();
            let found = Dir::archive("ada.tgz", &members).read();
            assert!(
                matches!(found, Err(Refusal::TooManyMembers { limit: 10_000 })),
                "{found:?}"
            );
        }
        let members = [gzip(&tar[..600]), empty.repeat(9_000), gzip(&tar[600..])].concat();
        let taken = Dir::archive("ada.tgz", &members).read();
        assert_eq!(taken.expect("a good archive").exercises.len(), 1);
    }

    #[test]
    fn an_archive_that_costs_too_much_is_refused_while_it_is_read() {
        let said = pax(b'x', "mtime", &"1".repeat(1 << 20));
        let entries: Vec<_> = std::iter::repeat_n(&said[..], 100).collect();
        let limits = IntakeLimits {
            seconds: 0,
            ratio: u64::MAX,
            ..IntakeLimits::default()
        };
        let found = tarball(&entries).read_with(&limits);
        let is_early = matches!(found, Err(Refusal::TooSlow { limit: 0 }));
        assert!(is_early, "{found:?}");
    }

    #[test]
    fn gzip_members_are_read_one_after_the_other() {
        let tar = [tar_entry(b'0', LIB, SOLVED), vec![0; 1024]].concat();
        let (front, back) = tar.split_at(600);
        let mut both = gzip(front);
        both.write_all(&gzip(back)).expect("a Vec takes it");
        let taken = Dir::archive("ada.tgz", &both).read();
        assert_eq!(taken.expect("a good archive").exercises.len(), 1);
    }
}
