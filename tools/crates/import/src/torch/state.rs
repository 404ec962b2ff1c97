//! The tensors of a state_dict, in the order of the file.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors};

use super::pickle::{self, Value, View};
use crate::archive::Archive;
use crate::{ImportError, MOST_ELEMENTS, Result, Tensor};

/// Tensors by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    /// In the order of the file.
    pub tensors: Vec<(String, Tensor)>,
    /// What was left out.
    pub notes: Vec<String>,
}

/// What the elements of a tensor are, in each of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of a single.
    Bf16,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Kind::F64 => 8,
            Kind::F32 => 4,
            Kind::F16 | Kind::Bf16 => 2,
        }
    }

    /// One value of little-endian bytes.
    pub fn value(self, bytes: &[u8]) -> f32 {
        let word = bytes.iter().rev().fold(0u64, |all, b| all << 8 | u64::from(*b));
        match self {
            Kind::F64 => f64::from_bits(word) as f32,
            Kind::F32 => f32::from_bits(word as u32),
            Kind::Bf16 => f32::from_bits((word as u32) << 16),
            Kind::F16 => half(word as u16),
        }
    }

    /// Values of little-endian bytes.
    pub fn values(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.bytes()).map(|b| self.value(b)).collect()
    }
}

/// An IEEE half as f32.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, i32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        0 => f32::from_bits(sign) + f32::from_bits(sign | 1f32.to_bits()) * fraction as f32 * 2f32.powi(-24),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | ((exponent + 112) as u32) << 23 | fraction << 13),
    }
}

/// Counters that belong to no layer's equation.
fn is_counter(name: &str) -> bool {
    name.ends_with("num_batches_tracked")
}

fn wrong_type(name: &str, found: &str) -> ImportError {
    ImportError::unsupported(
        format!("tensor {name}"),
        format!("its elements are {found}"),
        "weights are f32, f16, bf16 or f64 here: save the float network, not a quantized one",
    )
}

impl StateDict {
    /// Of a safetensors file.
    ///
    /// # Errors
    /// Where it is damaged, or a tensor is not of floats.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| ImportError::damaged("the safetensors file", e))?;
        let mut state = StateDict::default();
        let mut tensors = file.tensors();
        tensors.sort_by_cached_key(|(name, _)| natural(name));
        for (name, tensor) in tensors {
            let kind = match tensor.dtype() {
                Dtype::F64 => Kind::F64,
                Dtype::F32 => Kind::F32,
                Dtype::F16 => Kind::F16,
                Dtype::BF16 => Kind::Bf16,
                _ if is_counter(&name) => continue,
                other => return Err(wrong_type(&name, &format!("{other:?}"))),
            };
            let values = kind.values(tensor.data());
            let tensor = Tensor::new(&format!("tensor {name}"), tensor.shape().to_vec(), values)?;
            state.tensors.push((name, tensor));
        }
        Ok(state)
    }

    /// Of a file of `torch.save`: a zip with a pickle and a file for each storage.
    ///
    /// # Errors
    /// Where it is damaged, names what would run code, or a tensor is not of floats.
    pub fn from_torch(archive: &mut Archive<'_>) -> Result<Self> {
        let names = archive.names();
        let Some(pickle) = names.iter().find(|n| n.ends_with("/data.pkl") || *n == "data.pkl") else {
            let problem = "no data.pkl is in it";
            return Err(ImportError::damaged("the zip file", problem));
        };
        let folder = pickle.strip_suffix("data.pkl").unwrap_or_default().to_owned();
        if names.iter().any(|n| n.starts_with(&format!("{folder}code/")) || *n == format!("{folder}constants.pkl")) {
            return Err(ImportError::unsupported(
                "the file",
                "TorchScript, a program",
                "import runs no code: save `model.state_dict()` of it, or export to ONNX",
            ));
        }
        if names.contains(&format!("{folder}byteorder"))
            && archive.read(&format!("{folder}byteorder"))?.trim_ascii() != b"little"
        {
            return Err(ImportError::unsupported("byteorder", "big-endian numbers", "save it on another machine"));
        }
        let pickle = pickle::read(&archive.read(pickle)?)?;
        let mut state = StateDict::default();
        let mut storages = HashMap::new();
        let mut left = MOST_ELEMENTS;
        for (name, view) in views(&pickle, &mut state.notes)? {
            if is_counter(&name) {
                continue;
            }
            let kind = match view.kind.as_str() {
                "DoubleStorage" => Kind::F64,
                "FloatStorage" => Kind::F32,
                "HalfStorage" => Kind::F16,
                "BFloat16Storage" => Kind::Bf16,
                other => return Err(wrong_type(&name, other)),
            };
            if !storages.contains_key(&view.key) {
                let data = archive.read(&format!("{folder}data/{}", view.key))?;
                storages.insert(view.key.clone(), data);
            }
            let tensor = strided(&format!("tensor {name}"), &view, kind, &storages[&view.key], &mut left)?;
            state.tensors.push((name, tensor));
        }
        Ok(state)
    }
}

/// The tensors of a pickle by name: of a state_dict, or of one that lies in a checkpoint.
fn views(pickle: &pickle::Pickle, notes: &mut Vec<String>) -> Result<Vec<(String, View)>> {
    const INNER: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];
    let entries = pickle.entries(&pickle.value);
    let tensors = |value: &Value| -> Vec<(String, View)> {
        let tensor = |(name, value): (std::rc::Rc<str>, &Value)| match value {
            Value::Tensor(view) => Some((name.to_string(), (**view).clone())),
            _ => None,
        };
        pickle.entries(value).into_iter().filter_map(tensor).collect()
    };
    let found = tensors(&pickle.value);
    if !found.is_empty() {
        return Ok(found);
    }
    let inner = entries.iter().find(|(name, value)| INNER.contains(&&**name) && !tensors(value).is_empty());
    match inner {
        Some((name, value)) => {
            notes.push(format!("the tensors are those of `{name}`, the rest of the checkpoint is not read"));
            Ok(tensors(value))
        }
        None => Err(ImportError::unsupported(
            "data.pkl",
            "no dictionary of names and tensors",
            "save it with `torch.save(model.state_dict(), FILE)`",
        )),
    }
}

/// A view into a storage, as a tensor of its own.
fn strided(place: &str, view: &View, kind: Kind, storage: &[u8], left: &mut usize) -> Result<Tensor> {
    let beyond = || ImportError::damaged(place, format!("{view:?} does not fit its {} bytes", storage.len()));
    let size = |n: &i64| usize::try_from(*n).map_err(|_| beyond());
    let shape = view.shape.iter().map(size).collect::<Result<Vec<_>>>()?;
    let stride = view.stride.iter().map(size).collect::<Result<Vec<_>>>()?;
    let count = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k)).ok_or_else(beyond)?;
    *left = left.checked_sub(count).ok_or_else(|| {
        let most = 4 * MOST_ELEMENTS as u64;
        ImportError::TooLarge { bytes: (count as u64).saturating_mul(4), most }
    })?;
    if stride.len() != shape.len() {
        return Err(beyond());
    }
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0usize; shape.len()];
    for _ in 0..count {
        let at =
            index.iter().zip(&stride).try_fold(size(&view.offset)?, |at, (i, s)| at.checked_add(i.checked_mul(*s)?));
        let bytes =
            at.and_then(|at| at.checked_mul(kind.bytes())).and_then(|at| storage.get(at..)?.get(..kind.bytes()));
        values.push(kind.value(bytes.ok_or_else(beyond)?));
        for (i, n) in index.iter_mut().zip(&shape).rev() {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    Tensor::new(place, shape, values)
}

/// A name whose numbers sort as numbers.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let words = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(words);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((0, word.to_owned()));
        parts.push((number.parse().unwrap_or(u64::MAX), String::new()));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_ieee_says() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 2f32.powi(-24)), (0x7bff, 65_504.0), (0x3555, 0.333_251_95)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert_eq!(half(0x8001), -2f32.powi(-24));
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["fc10.weight", "fc2.weight", "fc1.bias"];
        names.sort_by_key(|n| natural(n));
        assert_eq!(names, ["fc1.bias", "fc2.weight", "fc10.weight"]);
    }
}
