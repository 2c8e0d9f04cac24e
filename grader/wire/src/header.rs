//! The header of a safetensors blob: JSON that says which tensors there are and where their bytes lie. It is read
//! more strictly than safetensors does, in one pass, and no further than the limits go.

use crate::frame::within;
use crate::tensor::byte_len;
use crate::text::{MOST_SHOWN, abridged, quoted};
use crate::{Dtype, FrameLimits, WireError, is_hidden};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

/// The name under which the header holds the metadata instead of a tensor.
pub(crate) const METADATA: &str = "__metadata__";

type Texts = BTreeMap<String, String>;

/// The declarations of a header.
pub(crate) struct Header {
    pub(crate) metadata: Texts,
    pub(crate) tensors: BTreeMap<String, TensorEntry>,
}

/// The declaration of one tensor in a header.
pub(crate) struct TensorEntry {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// The offsets of its first byte and behind its last, in the data.
    pub(crate) offsets: [usize; 2],
}

impl Header {
    /// The header of a blob, and the data behind it, in which every tensor lies as the header declares.
    pub(crate) fn read<'a>(
        blob: &'a [u8],
        limits: &FrameLimits,
    ) -> Result<(Self, &'a [u8]), WireError> {
        let (json, data) = split(blob, limits)?;
        let json = std::str::from_utf8(json).map_err(WireError::malformed)?;
        if json.starts_with(char::is_whitespace) {
            return Err(WireError::malformed("the header does not begin with {"));
        }
        let reading = Reading {
            limits,
            beyond: Cell::default(),
        };
        let mut json = serde_json::Deserializer::from_str(json);
        let header = HeaderSeed(&reading)
            .deserialize(&mut json)
            .and_then(|header| json.end().map(|()| header))
            .map_err(|error| {
                reading
                    .beyond
                    .take()
                    .unwrap_or_else(|| WireError::malformed(error))
            })?;
        header.refuse_misplaced(data.len())?;
        Ok((header, data))
    }

    /// Tensors lie one after the other, without a gap, and fill the data.
    fn refuse_misplaced(&self, data: usize) -> Result<(), WireError> {
        let mut in_place: Vec<_> = self.tensors.iter().collect();
        in_place.sort_unstable_by_key(|(_, tensor)| tensor.offsets);
        let mut next = 0;
        for (name, tensor) in in_place {
            let [begin, end] = tensor.offsets;
            let (dtype, shape) = (tensor.dtype, &tensor.shape);
            let fault = |what: fmt::Arguments<'_>| {
                Err(WireError::malformed(format_args!(
                    "{} {what}",
                    quoted(name)
                )))
            };
            let Some(bytes) = byte_len(dtype, shape) else {
                return fault(format_args!(
                    "of {dtype} {shape:?} takes more bytes than can be counted"
                ));
            };
            match end.checked_sub(begin) {
                None => return fault(format_args!("ends before it begins")),
                Some(length) if length != bytes => {
                    return fault(format_args!(
                        "of {dtype} {shape:?} takes {bytes} bytes, not {length}"
                    ));
                }
                Some(_) if end > data => {
                    return fault(format_args!("is said to end at byte {end} of {data}"));
                }
                Some(_) if begin != next => {
                    return fault(format_args!(
                        "begins at byte {begin}, where byte {next} is next"
                    ));
                }
                Some(_) => next = end,
            }
        }
        if next == data {
            Ok(())
        } else {
            let fault = format_args!("the tensors take {next} bytes of {data}");
            Err(WireError::malformed(fault))
        }
    }
}

/// The header's JSON and what follows it, once its length is known to be within the blob and the limit.
fn split<'a>(blob: &'a [u8], limits: &FrameLimits) -> Result<(&'a [u8], &'a [u8]), WireError> {
    let (length, rest) = blob
        .split_first_chunk()
        .ok_or_else(|| WireError::malformed(format_args!("{} bytes are too few", blob.len())))?;
    let length = u64::from_le_bytes(*length);
    within("header bytes", length, limits.header)?;
    usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(|| {
            let frame = blob.len();
            WireError::malformed(format_args!(
                "a header of {length} bytes in a frame of {frame}"
            ))
        })
}

/// A name is shown to people and compared by them.
pub(crate) fn refuse_unseen(name: &str) -> Result<(), WireError> {
    if name.contains(is_hidden) {
        let fault = format_args!(
            "the name {} has characters that cannot be seen",
            quoted(name)
        );
        Err(WireError::malformed(fault))
    } else {
        Ok(())
    }
}

/// One reading of a header. serde's errors are texts, so a fault that is more waits here for its end.
struct Reading<'a> {
    limits: &'a FrameLimits,
    beyond: Cell<Option<WireError>>,
}

impl Reading<'_> {
    fn check<E: Error>(&self, checked: Result<(), WireError>) -> Result<(), E> {
        checked.map_err(|error| {
            self.beyond.set(Some(error));
            E::custom("refused")
        })
    }

    fn within<E: Error>(&self, what: &'static str, got: usize, limit: usize) -> Result<(), E> {
        self.check(within(what, got as u64, limit))
    }

    /// Reads a name's value, unless the name stands in the map already or cannot be seen.
    fn insert<'de, A: MapAccess<'de>, S: DeserializeSeed<'de>>(
        &self,
        entries: &mut BTreeMap<String, S::Value>,
        name: String,
        value: S,
        map: &mut A,
    ) -> Result<(), A::Error> {
        self.check(refuse_unseen(&name))?;
        match entries.entry(name) {
            Entry::Occupied(known) => self.check(Err(twice(known.key()))),
            Entry::Vacant(place) => {
                let value = map.next_value_seed(value).map_err(|error| {
                    let fault = format_args!("{}: {error}", quoted(place.key()));
                    A::Error::custom(abridged(fault, MOST_SHOWN))
                })?;
                place.insert(value);
                Ok(())
            }
        }
    }
}

fn twice(name: &str) -> WireError {
    WireError::malformed(format_args!("the name {} stands twice", quoted(name)))
}

struct HeaderSeed<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = Header;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Header, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let reading = self.0;
        let mut metadata = None;
        let mut tensors = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                if metadata
                    .replace(map.next_value_seed(TextsSeed(reading))?)
                    .is_some()
                {
                    reading.check(Err(twice(&name)))?;
                }
            } else {
                reading.within("tensors", tensors.len() + 1, reading.limits.tensors)?;
                reading.insert(&mut tensors, name, DeclaredSeed(reading), &mut map)?;
            }
        }
        let metadata = metadata.unwrap_or_default();
        Ok(Header { metadata, tensors })
    }
}

struct TextsSeed<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for TextsSeed<'_> {
    type Value = Texts;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Texts, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TextsSeed<'_> {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let reading = self.0;
        let mut texts = Texts::new();
        while let Some(name) = map.next_key()? {
            reading.within("metadata entries", texts.len() + 1, reading.limits.metadata)?;
            reading.insert(&mut texts, name, PhantomData::<String>, &mut map)?;
        }
        Ok(texts)
    }
}

struct DeclaredSeed<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for DeclaredSeed<'_> {
    type Value = TensorEntry;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<TensorEntry, D::Error> {
        json.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Dtype,
    Shape,
    DataOffsets,
}

impl<'de> Visitor<'de> for DeclaredSeed<'_> {
    type Value = TensorEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TensorEntry, A::Error> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        while let Some(field) = map.next_key()? {
            let (name, again) = match field {
                Field::Dtype => (
                    "dtype",
                    dtype.replace(dtype_of(map.next_value()?)?).is_some(),
                ),
                Field::Shape => (
                    "shape",
                    shape
                        .replace(map.next_value_seed(ShapeSeed(self.0))?)
                        .is_some(),
                ),
                Field::DataOffsets => {
                    ("data_offsets", offsets.replace(map.next_value()?).is_some())
                }
            };
            if again {
                return Err(A::Error::duplicate_field(name));
            }
        }
        Ok(TensorEntry {
            dtype: dtype.ok_or_else(|| A::Error::missing_field("dtype"))?,
            shape: shape.ok_or_else(|| A::Error::missing_field("shape"))?,
            offsets: offsets.ok_or_else(|| A::Error::missing_field("data_offsets"))?,
        })
    }
}

fn dtype_of<E: Error>(name: String) -> Result<Dtype, E> {
    match name.as_str() {
        "F32" => Ok(Dtype::F32),
        "F64" => Ok(Dtype::F64),
        "I64" => Ok(Dtype::I64),
        "U8" => Ok(Dtype::U8),
        other => Err(E::custom(format_args!(
            "dtype {}, which is none of F32, F64, I64, U8",
            quoted(other)
        ))),
    }
}

struct ShapeSeed<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for ShapeSeed<'_> {
    type Value = Vec<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<usize>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ShapeSeed<'_> {
    type Value = Vec<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sizes of the axes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut axes: A) -> Result<Vec<usize>, A::Error> {
        let mut shape = Vec::new();
        while let Some(axis) = axes.next_element()? {
            self.0.within("axes", shape.len() + 1, self.0.limits.rank)?;
            shape.push(axis);
        }
        Ok(shape)
    }
}
