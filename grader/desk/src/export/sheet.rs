//! A table from another program, in which single cells are replaced and all other bytes stay: byte order mark, quotes,
//! delimiter, line ends, blanks.

use anyhow::{Result, bail, ensure};
use std::ops::Range;

/// A table.
#[derive(Clone, Debug)]
pub struct Sheet {
    text: String,
    rows: Vec<Vec<Field>>,
    /// The delimiter of fields.
    pub delimiter: char,
    edits: Vec<(Range<usize>, String)>,
}

/// A field: its byte range in the text, quotes included, and its value.
#[derive(Clone, Debug)]
struct Field {
    place: Range<usize>,
    value: String,
}

impl Sheet {
    /// Parses a table. The delimiter is `;` or a tab only if that gives each of the first three lines the same number of
    /// fields, more than one, which is Canvas' rule; else it is a comma.
    ///
    /// # Errors
    /// Returns an error if it is not UTF-8 text, is empty, or a quote is not closed.
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        let Ok(text) = String::from_utf8(bytes) else {
            bail!("it is not UTF-8 text: download it as CSV UTF-8");
        };
        let mut found = None;
        for delimiter in [';', '\t'] {
            // A quote that is not closed may be none with another delimiter.
            let Ok(rows) = fields(&text, delimiter) else {
                continue;
            };
            let counts: Vec<_> = rows.iter().take(3).map(Vec::len).collect();
            if counts.first().is_some_and(|count| *count > 1)
                && counts.windows(2).all(|it| it[0] == it[1])
            {
                found = Some((delimiter, rows));
                break;
            }
        }
        let (delimiter, rows) = match found {
            Some(found) => found,
            None => (',', fields(&text, ',')?),
        };
        ensure!(!rows.is_empty(), "it is empty");
        Ok(Self {
            text,
            rows,
            delimiter,
            edits: vec![],
        })
    }

    /// The number of rows, the header included.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The header.
    pub fn header(&self) -> Vec<&str> {
        self.rows[0].iter().map(|it| it.value.trim()).collect()
    }

    /// The index of the first column that has one of these names, ignoring case.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let is_one = |it: &&str| {
            names
                .iter()
                .any(|name| name.to_lowercase() == it.to_lowercase())
        };
        self.header().iter().position(is_one)
    }

    /// The value of a field, without quotes; empty where the row is short.
    pub fn get(&self, row: usize, column: usize) -> &str {
        self.rows[row].get(column).map_or("", |it| it.value.trim())
    }

    /// Replaces a field.
    ///
    /// # Errors
    /// Returns an error if the row has no such field.
    pub fn set(&mut self, row: usize, column: usize, value: &str) -> Result<()> {
        let Some(field) = self.rows[row].get(column) else {
            bail!("line {} has no field in column {}", row + 1, column + 1);
        };
        let is_quoted = self.text[field.place.clone()].starts_with('"');
        let needs_quotes = value.contains([self.delimiter, '"', '\n', '\r']);
        let value = match is_quoted || needs_quotes {
            true => format!("\"{}\"", value.replace('"', "\"\"")),
            false => value.to_owned(),
        };
        self.edits.push((field.place.clone(), value));
        Ok(())
    }

    /// The table with all replacements.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.edits.sort_by_key(|(place, _)| place.start);
        for (place, value) in self.edits.iter().rev() {
            self.text.replace_range(place.clone(), value);
        }
        self.text.into_bytes()
    }
}

/// The fields of each line that is not empty.
fn fields(text: &str, delimiter: char) -> Result<Vec<Vec<Field>>> {
    let bytes = text.as_bytes();
    let delimiter = delimiter as u8;
    let mut at = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let (mut rows, mut row) = (vec![], vec![]);
    while at < bytes.len() {
        let start = at;
        let value = if bytes[at] == b'"' {
            let mut content = vec![];
            at += 1;
            loop {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (None, _) => bail!("line {}: a quote is not closed", rows.len() + 1),
                    (Some(b'"'), Some(b'"')) => {
                        content.push(b'"');
                        at += 2;
                    }
                    (Some(b'"'), _) => {
                        at += 1;
                        break;
                    }
                    (Some(byte), _) => {
                        content.push(*byte);
                        at += 1;
                    }
                }
            }
            // Text after a closing quote belongs to the field, as in most readers.
            while at < bytes.len() && ![delimiter, b'\n', b'\r'].contains(&bytes[at]) {
                content.push(bytes[at]);
                at += 1;
            }
            String::from_utf8_lossy(&content).into_owned()
        } else {
            while at < bytes.len() && ![delimiter, b'\n', b'\r'].contains(&bytes[at]) {
                at += 1;
            }
            text[start..at].to_owned()
        };
        row.push(Field {
            place: start..at,
            value,
        });
        match bytes.get(at) {
            Some(sign) if *sign == delimiter => {
                at += 1;
                if at == bytes.len() || [b'\n', b'\r'].contains(&bytes[at]) {
                    row.push(Field {
                        place: at..at,
                        value: String::new(),
                    });
                    at = end_of_line(bytes, at);
                    rows.push(std::mem::take(&mut row));
                }
            }
            _ => {
                at = end_of_line(bytes, at);
                rows.push(std::mem::take(&mut row));
            }
        }
    }
    rows.retain(|row: &Vec<Field>| row.len() > 1 || row.iter().any(|it| !it.value.is_empty()));
    Ok(rows)
}

/// The index after a line end (`\r\n`, `\r` or `\n`) that begins at `at`.
fn end_of_line(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(_), _) => at + 1,
        (None, _) => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sheet(text: &str) -> Sheet {
        Sheet::parse(text.as_bytes().to_vec()).expect(text)
    }

    #[test]
    fn all_but_the_cell_stays_as_it_is() -> Result<()> {
        let text = "\u{feff}Name;\"ID\";G\r\n\"Lee, \"\"A\"\"\";\"1\"; 5 \r\n;;\r\n\nRay;2;\"\"";
        let mut table = sheet(text);
        assert_eq!(table.delimiter, ';');
        assert_eq!((table.get(1, 0), table.get(1, 2)), ("Lee, \"A\"", "5"));
        table.set(3, 2, "7")?;
        table.set(1, 2, "8;9")?;
        let expected =
            "\u{feff}Name;\"ID\";G\r\n\"Lee, \"\"A\"\"\";\"1\";\"8;9\"\r\n;;\r\n\nRay;2;\"7\"";
        assert_eq!(String::from_utf8(table.into_bytes())?, expected);
        Ok(())
    }

    #[test]
    fn a_semicolon_within_one_line_is_no_delimiter() {
        assert_eq!(sheet("a;b,c\n1,2\n").delimiter, ',');
        assert!(Sheet::parse(b"a,\"b\n".to_vec()).is_err());
        assert!(Sheet::parse(vec![]).is_err());
        assert!(Sheet::parse(b"a,\xff\n".to_vec()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The fields of any table are those that the csv crate reads, and nothing changes where nothing is set.
        #[test]
        fn fields_are_those_of_another_reader(rows in prop::collection::vec(
            prop::collection::vec("[a-z\",; \n]{0,4}", 2..4), 1..5,
        )) {
            let width = rows[0].len();
            let rows: Vec<Vec<String>> = rows.into_iter().map(|mut row| {
                row.resize(width, "x".to_owned());
                row
            }).collect();
            let mut writer = ::csv::Writer::from_writer(vec![]);
            for row in &rows {
                writer.write_record(row).expect("a row");
            }
            let bytes = writer.into_inner().expect("bytes");
            let text = String::from_utf8(bytes.clone()).expect("text");
            let found = fields(&text, ',').expect("fields");
            let found: Vec<Vec<String>> =
                found.into_iter().map(|row| row.into_iter().map(|it| it.value).collect()).collect();
            prop_assert_eq!(found, rows);
            if let Ok(sheet) = Sheet::parse(bytes.clone()) {
                prop_assert_eq!(sheet.into_bytes(), bytes);
            }
        }
    }
}
