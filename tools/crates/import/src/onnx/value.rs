//! What the names of a graph stand for while it is read: constants, sizes, and streams of vectors.

use std::rc::Rc;

use crate::op::Op;
use crate::torch::Kind;
use crate::{ImportError, MOST_ELEMENTS, Placed, Result, Tensor};
use elman_nn::Over;

use super::proto::TensorProto;

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Value {
    /// A tensor of floats.
    Const(Rc<Tensor>),
    /// Whole numbers: sizes and indices; `None` where a size is known only when the network runs. A number alone has no axis.
    Ints { values: Vec<Option<i64>>, scalar: bool },
    /// Zeros of any shape: a first state.
    Zeros,
    /// Vectors that the network computes.
    Stream(Stream),
    /// The last states of several layers, a direction each, along the first axis.
    States(Vec<Stream>),
    /// What is not understood: an error where it is used.
    Failed(Rc<ImportError>),
}

/// An axis of a tensor that the network computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Steps of the sequence.
    Time,
    /// Sequences.
    Batch,
    /// Directions of a recurrent layer.
    Directions(usize),
    /// Elements of a vector.
    Feature,
    /// Of size 1.
    One,
    /// Two axes as one.
    Both(Box<[Axis; 2]>),
}

/// Vectors that the network computes.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The last operation; none of the input itself.
    pub last: Option<Rc<Link>>,
    /// Sizes of its vectors; 0 of symbols.
    pub width: usize,
    /// Its axes.
    pub axes: Vec<Axis>,
    /// The one direction that it is of both.
    pub direction: Option<usize>,
    /// Steps of the input, where the graph says it.
    pub steps: Option<usize>,
    /// All so many steps as one vector, of which a delay line has the last first.
    pub flat: Option<usize>,
}

/// An operation and those before it.
#[derive(Debug)]
pub struct Link {
    before: Option<Rc<Link>>,
    op: Placed,
}

impl Stream {
    /// Where an axis is.
    pub fn position(&self, axis: &Axis) -> Option<usize> {
        self.axes.iter().position(|a| a == axis)
    }

    /// The stream after an operation.
    #[must_use]
    pub fn then(&self, place: &str, op: Op) -> Self {
        let width = op.width(self.width);
        let op = Placed { place: place.to_owned(), op };
        Stream { last: Some(Rc::new(Link { before: self.last.clone(), op })), width, flat: None, ..self.clone() }
    }

    /// The stream with other axes.
    #[must_use]
    pub fn with_axes(&self, axes: Vec<Axis>) -> Self {
        Stream { axes, ..self.clone() }
    }

    /// All `steps` steps as one vector.
    #[must_use]
    pub fn flattened(&self, place: &str, steps: usize) -> Self {
        let all = self.then(place, Op::Delay(steps.saturating_sub(1))).then(place, Op::Pool(Over::Last));
        Stream { flat: Some(steps), ..all.with_axes(vec![Axis::Batch, Axis::Feature]) }
    }

    /// Its operations from the input on.
    pub fn ops(&self) -> Vec<Placed> {
        let mut ops = Vec::new();
        let mut at = self.last.as_ref();
        while let Some(link) = at {
            ops.push(link.op.clone());
            at = link.before.as_ref();
        }
        ops.reverse();
        ops
    }

    /// Size of an axis, where it is known.
    pub fn size(&self, axis: &Axis) -> Option<i64> {
        match axis {
            Axis::Time | Axis::Batch | Axis::Both(_) => None,
            Axis::Directions(n) => Some(*n as i64),
            Axis::Feature => Some(self.width as i64),
            Axis::One => Some(1),
        }
    }

    /// Its last operation.
    pub fn last_op(&self) -> Option<&Op> {
        self.last.as_ref().map(|link| &link.op.op)
    }

    /// The stream that its last operation reads, of as many elements.
    pub fn before(&self) -> Option<Self> {
        let link = self.last.as_ref()?;
        Some(Stream { last: link.before.clone(), ..self.clone() })
    }

    /// Whether both compute the same.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.last, &other.last) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Value {
    /// Whole numbers along one axis.
    pub fn ints(values: Vec<Option<i64>>) -> Self {
        Value::Ints { values, scalar: false }
    }

    /// The value of a tensor of the file.
    pub fn of_tensor(t: &TensorProto, left: &mut usize) -> Result<Self> {
        let place = format!("tensor {}", t.name);
        let damaged = |problem: &str| ImportError::damaged(&place, problem);
        if t.location == 1 {
            return Err(ImportError::unsupported(
                place,
                "its data stand in another file",
                "save the model as one file (`external_data=False`)",
            ));
        }
        let size = |d: &i64| usize::try_from(*d).map_err(|_| damaged("a negative size"));
        let shape = t.dims.iter().map(size).collect::<Result<Vec<usize>>>()?;
        let count = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k)).ok_or_else(|| damaged("a huge shape"))?;
        *left = left
            .checked_sub(count)
            .ok_or(ImportError::TooLarge { bytes: (count as u64).saturating_mul(4), most: 4 * MOST_ELEMENTS as u64 })?;
        let raw = t.raw.as_deref();
        if let 6 | 7 | 9 = t.kind {
            let wide = t.kind == 7;
            let values: Vec<i64> = match raw {
                Some(raw) if wide => raw.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
                Some(raw) if t.kind == 6 => {
                    raw.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect()
                }
                Some(raw) => raw.iter().map(|b| i64::from(*b)).collect(),
                None if wide => t.int64s.clone(),
                None => t.int32s.iter().map(|v| i64::from(*v)).collect(),
            };
            if values.len() != count {
                return Err(damaged("its shape is not that of its values"));
            }
            return Ok(Value::Ints { values: values.into_iter().map(Some).collect(), scalar: shape.is_empty() });
        }
        let kind = match t.kind {
            1 => Kind::F32,
            10 => Kind::F16,
            11 => Kind::F64,
            16 => Kind::Bf16,
            other => {
                return Err(ImportError::unsupported(
                    place,
                    format!("elements of ONNX type {other}"),
                    "weights are f32, f16, bf16 or f64 here: export the float network, not a quantized one",
                ));
            }
        };
        let values = match (raw, kind) {
            (Some(raw), _) => kind.values(raw),
            (None, Kind::F64) => t.doubles.iter().map(|v| *v as f32).collect(),
            (None, Kind::F32) => t.floats.clone(),
            (None, _) => t.int32s.iter().map(|v| kind.value(&(*v as u16).to_le_bytes())).collect(),
        };
        Ok(Value::Const(Rc::new(Tensor::new(&place, shape, values)?)))
    }
}
