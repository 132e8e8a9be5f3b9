//! Whether a binary can run on an instance, seen before it is sent: the machine it was built for, and the oldest C
//! library it can live with.
//!
//! A small reader of what is needed of ELF (System V ABI, and the Linux Standard Base for `.gnu.version_r`). Whatever
//! makes no sense is taken for a damaged file.

use std::fmt;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::error::Error;

/// No table of an honest program is longer.
const LARGEST_TABLE: u64 = 16 << 20;
/// The section that names the versions a program needs of its libraries.
const SHT_GNU_VERNEED: u32 = 0x6fff_fffe;

/// A version of glibc.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glibc(u32, u32);

impl Glibc {
    /// Reads `2.36`, `GLIBC_2.2.5` or `glibc 2.36`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
        let mut parts = digits.split('.').map(str::parse);
        Some(Self(parts.next()?.ok()?, parts.next()?.ok()?))
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a binary asks of the machine it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// As `uname -m` says it.
    pub(crate) machine: String,
    /// The newest version of glibc that it uses something of; nothing for one that needs no glibc.
    pub(crate) glibc: Option<Glibc>,
}

/// What an instance is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// As `uname -m` says it.
    pub(crate) name: Option<String>,
    /// As `getconf GNU_LIBC_VERSION` says it.
    pub(crate) glibc: Option<Glibc>,
}

/// Refuses a binary that cannot run there. A script is left to the instance, which knows its interpreters.
///
/// # Errors
/// [`Error::Unfit`] naming both sides, [`Error::Local`] when the file cannot be read.
pub(crate) fn check(binary: &Path, machine: &Machine, instance: &str) -> Result<(), Error> {
    let unusable = |source| Error::Local { path: binary.to_owned(), source };
    let unfit = |reason| Error::Unfit { path: binary.to_owned(), instance: instance.to_owned(), reason };
    let file = fs_err::File::open(binary).map_err(unusable)?;
    let Some(needs) = read(file.file()).map_err(unusable)? else {
        return Err(unfit("it is not a program of Linux, or not all of it is there".to_owned()));
    };
    let Some(needs) = needs else { return Ok(()) };
    if let Some(name) = machine.name.as_ref().filter(|name| **name != needs.machine) {
        return Err(unfit(format!("it is built for {}, and the instance is {name}", needs.machine)));
    }
    match (needs.glibc, machine.glibc) {
        (Some(needs), Some(has)) if needs > has => {
            Err(unfit(format!("it needs glibc {needs}, and the instance has {has}")))
        }
        (Some(needs), None) => Err(unfit(format!("it needs glibc {needs}, and the instance has none"))),
        _ => Ok(()),
    }
}

/// `Some(None)` for a script, `None` for what is no program.
fn read(file: &std::fs::File) -> io::Result<Option<Option<Needs>>> {
    let length = file.metadata()?.len();
    let part = |at: u64, size: u64| -> io::Result<Option<Vec<u8>>> {
        if size > LARGEST_TABLE || at.checked_add(size).is_none_or(|end| end > length) {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact_at(&mut bytes, at)?;
        Ok(Some(bytes))
    };
    if part(0, 2)?.is_some_and(|start| start == b"#!") {
        return Ok(Some(None));
    }
    let Some(head) = part(0, 64)? else { return Ok(None) };
    // 64 bits, little end first: all that Lightsail rents out.
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let machine = match number(&head, 18, 2) {
        Some(62) => "x86_64".to_owned(),
        Some(183) => "aarch64".to_owned(),
        Some(243) => "riscv64".to_owned(),
        other => format!("machine {}", other.unwrap_or_default()),
    };
    let (Some(at), Some(size), Some(count)) = (number(&head, 40, 8), number(&head, 58, 2), number(&head, 60, 2)) else {
        return Ok(None);
    };
    // A file cut short has lost its section headers, which are at its end.
    let Some(sections) = part(at, size * count)?.filter(|_| size >= 64) else { return Ok(None) };
    let section = |index: u64| sections.chunks_exact(usize::try_from(size).ok()?).nth(usize::try_from(index).ok()?);
    let content = |header: &[u8]| match (number(header, 24, 8), number(header, 32, 8)) {
        (Some(at), Some(size)) => part(at, size),
        _ => Ok(None),
    };
    let needed = (0..count).filter_map(section).find(|one| number(one, 4, 4) == Some(SHT_GNU_VERNEED.into()));
    let Some(needed) = needed else { return Ok(Some(Some(Needs { machine, glibc: None }))) };
    let names = number(needed, 40, 4).and_then(section);
    let (Some(table), Some(names)) = (content(needed)?, names.map(content).transpose()?.flatten()) else {
        return Ok(None);
    };
    Ok(newest_glibc(&table, &names).map(|glibc| Some(Needs { machine, glibc })))
}

/// Walks the needed versions of each library. `None` when the table leads astray.
fn newest_glibc(table: &[u8], names: &[u8]) -> Option<Option<Glibc>> {
    let mut newest = None;
    let mut library = 0;
    // Every entry is 16 bytes long: no honest walk takes more steps than the table has room for.
    let mut left = table.len() / 16 + 1;
    loop {
        let mut version = library + number(table, library + 8, 4)?;
        for _ in 0..number(table, library + 2, 2)? {
            left = left.checked_sub(1)?;
            let name = usize::try_from(number(table, version + 8, 4)?).ok()?;
            let name = names.get(name..)?.split(|byte| *byte == 0).next()?;
            if let Some(text) = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_") {
                newest = newest.max(Glibc::parse(text));
            }
            version += number(table, version + 12, 4)?;
        }
        match number(table, library + 12, 4)? {
            0 => return Some(newest),
            next => library += next,
        }
        left = left.checked_sub(1)?;
    }
}

/// A number of `size` bytes, the little end first.
fn number(bytes: &[u8], at: impl TryInto<usize>, size: usize) -> Option<u64> {
    let at = at.try_into().ok()?;
    let part = bytes.get(at..at.checked_add(size)?)?;
    Some(part.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needs(bytes: &[u8]) -> Option<Option<Needs>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.as_file()).unwrap()
    }

    fn program() -> Vec<u8> {
        // Small, and on every machine that runs these tests.
        std::fs::read("/bin/true").unwrap()
    }

    #[test]
    fn a_program_of_this_machine_is_read_as_readelf_reads_it() {
        let found = needs(&program()).unwrap().unwrap();
        assert_eq!(found.machine, std::env::consts::ARCH);
        let said = std::process::Command::new("readelf").args(["-V", "/bin/true"]).output().expect("binutils");
        let said = String::from_utf8(said.stdout).unwrap();
        let newest =
            said.split_whitespace().filter_map(|word| word.strip_prefix("GLIBC_")).filter_map(Glibc::parse).max();
        assert!(newest.is_some());
        assert_eq!(found.glibc, newest);
    }

    #[test]
    fn both_sides_are_named() {
        let (whole, elsewhere) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(whole.path(), program()).unwrap();
        let mut other = program();
        other[18] = 183;
        std::fs::write(elsewhere.path(), other).unwrap();
        let machine = |name: &str, glibc: &str| Machine { name: Some(name.to_owned()), glibc: Glibc::parse(glibc) };
        let said = |file: &tempfile::NamedTempFile, machine: &Machine| {
            check(file.path(), machine, "shop-api-1").map_err(|error| error.to_string())
        };
        let here = machine(std::env::consts::ARCH, "glibc 99.1");
        assert_eq!(said(&whole, &here), Ok(()));
        assert_eq!(
            said(&whole, &Machine { glibc: here.glibc, name: None }),
            Ok(()),
            "what is not known is not held against it"
        );
        let error = said(&elsewhere, &machine("x86_64", "99.1")).expect_err("another machine");
        assert!(error.contains("aarch64") && error.contains("x86_64"), "{error}");
        assert!(error.contains("cannot run on shop-api-1: "), "{error}");
        let error = said(&whole, &machine(std::env::consts::ARCH, "glibc 2.1")).expect_err("too old");
        assert!(error.contains("needs glibc 2.") && error.contains("has 2.1"), "{error}");
    }

    #[test]
    fn what_is_no_program_is_told_apart_from_a_script() {
        assert_eq!(needs(b"#!/bin/sh\n"), Some(None));
        assert_eq!(needs(b""), None);
        assert_eq!(needs(b"PK\x03\x04 an archive"), None);
        let program = program();
        for end in [10, 64, program.len() / 2, program.len() - 1] {
            assert_eq!(needs(&program[..end]), None, "cut at {end}");
        }
        let mut longer = program;
        longer.extend(b"something behind it");
        assert!(needs(&longer).is_some());
    }

    #[test]
    fn versions_are_numbers() {
        assert!(Glibc::parse("GLIBC_2.9").unwrap() < Glibc::parse("glibc 2.36").unwrap());
        assert_eq!(Glibc::parse("2.2.5").unwrap().to_string(), "2.2");
        assert_eq!(Glibc::parse("PRIVATE"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_damaged_file_is_no_disaster(at in 0..4096_usize, value: u8, cut in 0..100_usize) {
            let mut bytes = program();
            let at = at % bytes.len();
            bytes[at] = value;
            bytes.truncate(bytes.len() - bytes.len() * cut / 400);
            let _ = needs(&bytes);
        }
    }
}
