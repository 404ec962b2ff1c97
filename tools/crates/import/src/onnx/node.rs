//! A node with the values that it reads, and its attributes.

use std::collections::HashMap;
use std::rc::Rc;

use super::proto::{Attribute, Node};
use super::value::{Stream, Value};
use crate::{ImportError, Result, Tensor};

/// A node to be read.
pub struct Reader<'a> {
    /// The node.
    pub node: &'a Node,
    /// What names stand for so far.
    pub values: &'a HashMap<String, Value>,
}

impl<'a> Reader<'a> {
    /// Name and kind, for messages.
    pub fn place(&self) -> String {
        let Node { name, kind, outputs, .. } = self.node;
        let name = if name.is_empty() { outputs.first().map_or("", String::as_str) } else { name };
        format!("node {name} ({kind})")
    }

    /// What it does is not in elman.
    pub fn unsupported(&self, problem: &str, way: &str) -> ImportError {
        ImportError::unsupported(self.place(), problem, way)
    }

    /// Its inputs do not fit it.
    pub fn shape(&self, problem: String) -> ImportError {
        ImportError::shape(self.place(), problem)
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.node.attributes.iter().find(|a| a.name == name)
    }

    /// Whether an attribute is there.
    pub fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// A whole number.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i.unwrap_or(0))
    }

    /// A number.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |a| a.f.unwrap_or(0.0))
    }

    /// Whole numbers.
    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| &a.ints[..])
    }

    /// Numbers.
    pub fn floats(&self, name: &str) -> Option<&'a [f32]> {
        self.attribute(name).map(|a| &a.floats[..])
    }

    /// A text.
    pub fn string(&self, name: &str, default: &str) -> String {
        let text = |a: &Attribute| String::from_utf8_lossy(a.s.as_deref().unwrap_or_default()).into_owned();
        self.attribute(name).map_or(default.to_owned(), text)
    }

    /// Texts.
    pub fn strings(&self, name: &str) -> Vec<String> {
        let all = self.attribute(name).into_iter().flat_map(|a| &a.strings);
        all.map(|s| String::from_utf8_lossy(s).into_owned()).collect()
    }

    /// The tensor of an attribute.
    pub fn tensor(&self, name: &str) -> Option<&'a super::proto::TensorProto> {
        self.attribute(name)?.t.as_ref()
    }

    /// The value of input `k`, where there is one.
    pub fn optional(&self, k: usize) -> Option<&'a Value> {
        let name = self.node.inputs.get(k).filter(|n| !n.is_empty())?;
        self.values.get(name)
    }

    /// The value of input `k`.
    pub fn value(&self, k: usize) -> Result<&'a Value> {
        match self.optional(k) {
            Some(Value::Failed(error)) => Err(again(error)),
            Some(value) => Ok(value),
            None => {
                let name = self.node.inputs.get(k).map_or("", String::as_str);
                Err(self.shape(format!("its input {k} ({name:?}) is nothing that the graph has before it")))
            }
        }
    }

    /// Input `k`, vectors that the network computes.
    pub fn stream(&self, k: usize) -> Result<&'a Stream> {
        match self.value(k)? {
            Value::Stream(stream) => Ok(stream),
            _ => Err(self.unsupported(
                &format!("its input {k} is no vectors that the network computes"),
                "simplify the graph (onnxsim), or export the layers one after the other",
            )),
        }
    }

    /// Input `k`, a tensor of the file.
    pub fn weights(&self, k: usize) -> Result<Rc<Tensor>> {
        match self.value(k)? {
            Value::Const(t) => Ok(t.clone()),
            _ => Err(self.unsupported(
                &format!("its input {k} is no tensor of the file"),
                "a network of elman has fixed weights: fold constants when exporting",
            )),
        }
    }

    /// Input `k`, a tensor of the file, where there is one.
    pub fn constant(&self, k: usize) -> Result<Option<Rc<Tensor>>> {
        self.optional(k).map(|_| self.weights(k)).transpose()
    }

    /// Input `k`, whole numbers, of which some may not be known.
    pub fn sizes(&self, k: usize) -> Result<&'a [Option<i64>]> {
        match self.value(k)? {
            Value::Ints { values, .. } => Ok(values),
            _ => Err(self.shape(format!("its input {k} is no list of whole numbers"))),
        }
    }

    /// Axes, of an attribute or of input `k`.
    pub fn axes(&self, k: usize) -> Result<Option<Vec<i64>>> {
        if let Some(axes) = self.ints("axes") {
            return Ok(Some(axes.to_vec()));
        }
        match self.optional(k) {
            None => Ok(None),
            Some(_) => {
                let known = self.sizes(k)?.iter().copied().collect::<Option<Vec<i64>>>();
                known.map(Some).ok_or_else(|| self.shape("its axes are not known".to_owned()))
            }
        }
    }

    /// The axis with this number, of so many; numbers below 0 count from the end.
    pub fn axis(&self, number: i64, rank: usize) -> Result<usize> {
        let at = if number < 0 { number.checked_add(rank as i64) } else { Some(number) };
        let at = at.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < rank);
        at.ok_or_else(|| self.shape(format!("its axis {number} is none of {rank}")))
    }
}

/// An error that is reported a second time.
pub fn again(error: &ImportError) -> ImportError {
    match error {
        ImportError::Unsupported { place, problem, way } => ImportError::unsupported(place, problem, way),
        ImportError::Shape { place, problem } => ImportError::shape(place, problem),
        ImportError::TooLarge { bytes, most } => ImportError::TooLarge { bytes: *bytes, most: *most },
        other => ImportError::damaged("the graph", other),
    }
}
