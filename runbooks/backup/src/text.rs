//! Rows as `LOAD DATA` reads them by default, and the checksum that both sides can compute.
//!
//! A row is a line, its values are separated by tabs; NULL is `\N`; a zero byte, a line feed, a tab and a backslash are
//! escaped by a backslash, every other byte stands for itself. No character set is involved anywhere: what the server
//! stores is what is written, and it is read back with `CHARACTER SET binary`.
//!
//! A row's checksum is `CRC32(CONCAT_WS('\t', value, …, flags))`: the values that are not NULL, long ones replaced by the
//! digits of their own CRC-32 (what `CONCAT_WS` makes must fit into `max_allowed_packet`), then for each column that may
//! be NULL a `1` if it is and else a `0`. A table's is the sum over its rows. It finds what a restore does wrong (a
//! value that was cut, converted or swapped); against whoever tampers there is SHA-256.

use std::io::Write;

/// A column, as far as its text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// May be too long to be concatenated.
    pub(crate) long: bool,
    /// May be NULL.
    pub(crate) nullable: bool,
}

/// Rows becoming text.
#[derive(Debug)]
pub(crate) struct Lines {
    shapes: Vec<Shape>,
    text: Vec<u8>,
    rows: u64,
    sum: u64,
    /// What the row's checksum is of.
    joined: Vec<u8>,
    flags: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(shapes: Vec<Shape>) -> Self {
        Self { shapes, text: Vec::new(), rows: 0, sum: 0, joined: Vec::new(), flags: Vec::new() }
    }

    /// The next value of a row; its text, if it has one, follows by [`text`](Self::text).
    pub(crate) fn value(&mut self, place: usize, value: Option<&[u8]>) {
        if place == 0 {
            self.joined.clear();
            self.flags.clear();
        } else {
            self.text.push(b'\t');
        }
        let Shape { long, nullable } = self.shapes[place];
        if nullable {
            self.flags.push(if value.is_none() { b'1' } else { b'0' });
        }
        match value {
            None => return self.text.extend_from_slice(b"\\N"),
            // Writing to a vector cannot fail.
            Some(value) if long => drop(write!(self.joined, "{}", crc32fast::hash(value))),
            Some(value) => self.joined.extend_from_slice(value),
        }
        self.joined.push(b'\t');
    }

    /// A part of the value's text, so that a long one need not be there twice.
    pub(crate) fn text(&mut self, part: &[u8]) {
        escape(part, &mut self.text);
    }

    /// The end of a row.
    pub(crate) fn end(&mut self) {
        self.joined.extend_from_slice(&self.flags);
        self.text.push(b'\n');
        self.rows += 1;
        self.sum += u64::from(crc32fast::hash(&self.joined));
    }

    /// How much text is waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.text.len()
    }

    /// The text so far; what comes goes into `next`, which is emptied.
    pub(crate) fn take(&mut self, mut next: Vec<u8>) -> Vec<u8> {
        next.clear();
        std::mem::replace(&mut self.text, next)
    }

    /// Rows and sum since the last call.
    pub(crate) fn count(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.rows), std::mem::take(&mut self.sum))
    }
}

fn escape(value: &[u8], text: &mut Vec<u8>) {
    let special = |byte: u8| matches!(byte, 0 | b'\n' | b'\t' | b'\\');
    // Most values have nothing to escape, and a block that is looked at as a whole is looked at by vector instructions.
    for block in value.chunks(32) {
        if !block.iter().fold(false, |found, byte| found | special(*byte)) {
            text.extend_from_slice(block);
            continue;
        }
        for byte in block {
            match byte {
                0 => text.extend_from_slice(b"\\0"),
                b'\n' => text.extend_from_slice(b"\\n"),
                b'\t' => text.extend_from_slice(b"\\t"),
                b'\\' => text.extend_from_slice(b"\\\\"),
                byte => text.push(*byte),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_what_load_data_reads() {
        let shape = Shape { long: false, nullable: true };
        let mut lines = Lines::new(vec![shape, Shape { long: true, nullable: false }, shape]);
        for (place, value) in [Some(&b"a\tb\nc\\d\0e\r"[..]), Some(b"long"), None].into_iter().enumerate() {
            lines.value(place, value);
            value.unwrap_or_default().chunks(3).for_each(|part| lines.text(part));
        }
        lines.end();
        let joined = [b"a\tb\nc\\d\0e\r\t", crc32fast::hash(b"long").to_string().as_bytes(), b"\t01"].concat();
        assert_eq!(lines.take(Vec::new()), b"a\\tb\\nc\\\\d\\0e\r\tlong\t\\N\n");
        assert_eq!(lines.count(), (1, u64::from(crc32fast::hash(&joined))));
        assert_eq!((lines.waiting(), lines.count()), (0, (0, 0)));
    }
}
