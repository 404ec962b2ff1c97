//! Pickles of tensors: the opcodes that `torch.save` writes for a state_dict, and no others. Nothing is called: the few
//! names of functions that stand for tensors are understood here, any other is an error.

use std::collections::HashMap;
use std::rc::Rc;

use crate::{ImportError, Result};

/// Tuples in tuples at most.
const MOST_DEPTH: usize = 32;

/// A value of a pickle. Dictionaries stand in an arena, as they are filled after they are named.
#[derive(Clone, Debug)]
pub enum Value {
    /// None, True and False, and what no tensor needs.
    Other,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Rc<str>),
    /// A tuple, and how deep tuples are in it.
    Tuple(Rc<[Value]>, usize),
    /// A list, of which nothing is kept.
    List,
    /// A dictionary, by its number in the arena.
    Dict(usize),
    /// A name of Python.
    Name(Rc<str>),
    /// A storage of numbers: its type and key.
    Storage(Rc<(String, String)>),
    /// A tensor.
    Tensor(Rc<View>),
    /// The mark of a list to come.
    Mark,
}

/// A view into a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// `FloatStorage` and so on.
    pub kind: String,
    /// Key of the storage: the name of its file.
    pub key: String,
    /// First element.
    pub offset: i64,
    /// Sizes of the axes.
    pub shape: Vec<i64>,
    /// Elements from one to the next along each axis.
    pub stride: Vec<i64>,
}

/// What a pickle holds.
#[derive(Debug)]
pub struct Pickle {
    /// Its value.
    pub value: Value,
    dicts: Vec<Vec<(Value, Value)>>,
}

impl Pickle {
    /// The entries of a dictionary whose keys are texts.
    pub fn entries(&self, value: &Value) -> Vec<(Rc<str>, &Value)> {
        let Value::Dict(id) = value else { return Vec::new() };
        self.dicts[*id]
            .iter()
            .filter_map(|(key, value)| match key {
                Value::Text(key) => Some((key.clone(), value)),
                _ => None,
            })
            .collect()
    }
}

/// Reads a pickle.
///
/// # Errors
/// Where it is cut off, or names what is no part of a tensor.
pub fn read(bytes: &[u8]) -> Result<Pickle> {
    let mut machine = Machine { bytes, ..Machine::default() };
    let value = machine.run()?;
    Ok(Pickle { value, dicts: machine.dicts })
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    dicts: Vec<Vec<(Value, Value)>>,
}

impl Machine<'_> {
    fn place(&self) -> String {
        format!("data.pkl, byte {}", self.at)
    }

    fn wrong<T>(&self, problem: &str) -> Result<T> {
        Err(ImportError::damaged(self.place(), problem))
    }

    fn take(&mut self, n: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return self.wrong("the pickle ends here") };
        let from = std::mem::replace(&mut self.at, end);
        Ok(&self.bytes[from..end])
    }

    /// A whole number of `n` bytes, little-endian, without sign.
    fn number(&mut self, n: usize) -> Result<u64> {
        Ok(self.take(n)?.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn text(&mut self, n: u64) -> Result<Rc<str>> {
        let Ok(n) = usize::try_from(n) else { return self.wrong("a text that is too long") };
        match std::str::from_utf8(self.take(n)?) {
            Ok(text) => Ok(text.into()),
            Err(_) => self.wrong("a text that is no UTF-8"),
        }
    }

    fn line(&mut self) -> Result<String> {
        let Some(n) = self.bytes[self.at..].iter().position(|b| *b == b'\n') else {
            return self.wrong("a name without an end");
        };
        let line = String::from_utf8_lossy(self.take(n)?).into_owned();
        self.at += 1;
        Ok(line)
    }

    fn pop(&mut self) -> Result<Value> {
        match self.stack.pop() {
            Some(value) => Ok(value),
            None => self.wrong("it takes more from its stack than is on it"),
        }
    }

    fn until_mark(&mut self) -> Result<Vec<Value>> {
        match self.stack.iter().rposition(|v| matches!(v, Value::Mark)) {
            Some(at) => {
                let values = self.stack.split_off(at + 1);
                self.stack.pop();
                Ok(values)
            }
            None => self.wrong("a list without a beginning"),
        }
    }

    fn tuple(&mut self, values: Vec<Value>) -> Result<()> {
        let depth = |v: &Value| if let Value::Tuple(_, depth) = v { *depth } else { 0 };
        let depth = 1 + values.iter().map(depth).max().unwrap_or(0);
        if depth > MOST_DEPTH {
            return self.wrong("tuples in tuples without end");
        }
        self.stack.push(Value::Tuple(values.into(), depth));
        Ok(())
    }

    fn memoize(&mut self, key: u32) -> Result<()> {
        match self.stack.last() {
            Some(value) => drop(self.memo.insert(key, value.clone())),
            None => return self.wrong("nothing to remember"),
        }
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<()> {
        match self.memo.get(&key) {
            Some(value) => self.stack.push(value.clone()),
            None => return self.wrong("it recalls what was not remembered"),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Value>) -> Result<()> {
        let to = match self.stack.last() {
            Some(Value::Dict(id)) => *id,
            _ => return self.wrong("entries without a dictionary"),
        };
        if !items.len().is_multiple_of(2) {
            return self.wrong("a key without a value");
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.dicts[to].push((key, value));
        }
        Ok(())
    }

    fn dict(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    fn run(&mut self) -> Result<Value> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.stack.push(Value::Mark),
                b'}' => {
                    let dict = self.dict();
                    self.stack.push(dict);
                }
                b']' => self.stack.push(Value::List),
                b')' => self.tuple(Vec::new())?,
                0x85..=0x87 => {
                    let n = usize::from(code - 0x84);
                    let Some(from) = self.stack.len().checked_sub(n) else {
                        return self.wrong("a tuple of more than there is");
                    };
                    let values = self.stack.split_off(from);
                    self.tuple(values)?;
                }
                b't' => {
                    let values = self.until_mark()?;
                    self.tuple(values)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.until_mark()?;
                    self.set_items(items)?;
                }
                // What lists hold is no part of a state_dict.
                b'a' => drop(self.pop()?),
                b'e' => drop(self.until_mark()?),
                b'N' | 0x88 | 0x89 => self.stack.push(Value::Other),
                b'G' => {
                    self.take(8)?;
                    self.stack.push(Value::Other);
                }
                _ => self.more(code)?,
            }
        }
    }

    /// Numbers, texts, memory and names.
    fn more(&mut self, code: u8) -> Result<()> {
        match code {
            b'J' => {
                let n = self.number(4)? as u32 as i32;
                self.stack.push(Value::Int(n.into()));
            }
            b'K' | b'M' => {
                let n = self.number(if code == b'K' { 1 } else { 2 })?;
                self.stack.push(Value::Int(n as i64));
            }
            0x8a => {
                let n = self.number(1)? as usize;
                if n > 8 {
                    self.take(n)?;
                    self.stack.push(Value::Other);
                } else {
                    let (bits, value) = (8 * n as u32, self.number(n)?);
                    // The sign is that of the highest bit written.
                    let shift = 64 - bits;
                    self.stack.push(Value::Int(if n == 0 { 0 } else { (value << shift) as i64 >> shift }));
                }
            }
            b'X' | 0x8c | 0x8d => {
                let n = self.number(match code {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                let text = self.text(n)?;
                self.stack.push(Value::Text(text));
            }
            b'q' | b'r' => {
                let key = self.number(if code == b'q' { 1 } else { 4 })? as u32;
                self.memoize(key)?;
            }
            0x94 => self.memoize(self.memo.len() as u32)?,
            b'h' | b'j' => {
                let key = self.number(if code == b'h' { 1 } else { 4 })? as u32;
                self.recall(key)?;
            }
            b'c' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                self.name(name)?;
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.name(format!("{module}.{name}"))?,
                _ => return self.wrong("a name that is no text"),
            },
            b'Q' => {
                let id = self.pop()?;
                self.storage(&id)?;
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            _ => {
                let name = format!("opcode 0x{code:02x}");
                return Err(ImportError::Code { place: self.place(), name });
            }
        }
        Ok(())
    }

    /// A name of Python, if it is one of those that make a tensor.
    fn name(&mut self, name: String) -> Result<()> {
        let storage = name.strip_prefix("torch.").is_some_and(|n| n.ends_with("Storage") && !n.contains('.'));
        let known = ["collections.OrderedDict", REBUILD, PARAMETER].contains(&name.as_str());
        if !storage && !known {
            return Err(ImportError::Code { place: self.place(), name });
        }
        self.stack.push(Value::Name(name.into()));
        Ok(())
    }

    /// ("storage", type, key, device, elements)
    fn storage(&mut self, id: &Value) -> Result<()> {
        let Value::Tuple(parts, _) = id else { return self.wrong("a storage without a key") };
        match &parts[..] {
            [Value::Text(what), Value::Name(kind), Value::Text(key), _, Value::Int(_)] if &**what == "storage" => {
                let kind = kind.trim_start_matches("torch.").to_owned();
                self.stack.push(Value::Storage(Rc::new((kind, key.to_string()))));
                Ok(())
            }
            _ => self.wrong("a storage of another form"),
        }
    }

    /// A function of the few that are known, with its arguments.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments, _), Value::Name(function)) = (arguments, function) else {
            return self.wrong("a call that is none");
        };
        let made = match (&*function, &arguments[..]) {
            ("collections.OrderedDict", []) => self.dict(),
            (PARAMETER, [tensor @ Value::Tensor(_), ..]) => tensor.clone(),
            (
                REBUILD,
                [Value::Storage(storage), Value::Int(offset), Value::Tuple(shape, _), Value::Tuple(stride, _), ..],
            ) => {
                let numbers = |values: &[Value]| -> Option<Vec<i64>> {
                    values.iter().map(|v| if let Value::Int(n) = v { Some(*n) } else { None }).collect()
                };
                let (Some(shape), Some(stride)) = (numbers(shape), numbers(stride)) else {
                    return self.wrong("a tensor whose shape is no numbers");
                };
                let (kind, key) = (**storage).clone();
                Value::Tensor(Rc::new(View { kind, key, offset: *offset, shape, stride }))
            }
            _ => return Err(ImportError::Code { place: self.place(), name: function.to_string() }),
        };
        self.stack.push(made);
        Ok(())
    }

    /// The attributes of an ordered dictionary (`_metadata`), which no tensor needs.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        match self.stack.last() {
            Some(Value::Dict(_)) => Ok(()),
            _ => Err(ImportError::Code { place: self.place(), name: "BUILD of an object".to_owned() }),
        }
    }
}

const REBUILD: &str = "torch._utils._rebuild_tensor_v2";
const PARAMETER: &str = "torch._utils._rebuild_parameter";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_run_code_are_refused() {
        let bomb = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.";
        let error = read(bomb).unwrap_err().to_string();
        assert!(error.contains("`os.system`") && error.contains("runs no code"), "{error}");
        let bomb = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.";
        assert!(read(bomb).unwrap_err().to_string().contains("`builtins.eval`"));
        // NEWOBJ, INST, OBJ
        for code in [0x81, b'i', b'o', 0x82] {
            assert!(read(&[0x80, 2, code, b'.']).unwrap_err().to_string().contains("opcode"));
        }
    }

    #[test]
    fn deep_and_endless_pickles_end() {
        let mut deep = vec![0x80, 2, b')'];
        deep.extend([0x85; 100_000]);
        assert!(read(&deep).unwrap_err().to_string().contains("tuples in tuples"));
        assert!(read(b"X\xff\xff\xff\xff").unwrap_err().to_string().contains("ends here"));
        assert!(read(b"").is_err());
    }
}
