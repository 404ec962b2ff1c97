//! HDF5 files as Keras writes them: datasets of floats in groups, and texts as attributes.

use hdf5_reader::group::Group;
use hdf5_reader::{Hdf5File, OpenOptions};

use crate::torch::Kind;
use crate::{ImportError, MOST_BYTES, MOST_ELEMENTS, Result, Tensor};

/// Groups in groups at most.
const MOST_DEPTH: usize = 16;
/// Groups and datasets at most.
const MOST_OBJECTS: usize = 10_000;

/// An HDF5 file in memory.
pub struct Store {
    file: Hdf5File,
}

fn damaged(place: &str, e: &dyn std::fmt::Display) -> ImportError {
    ImportError::damaged(if place.is_empty() { "the HDF5 file" } else { place }, e.to_string())
}

impl Store {
    /// Opens it.
    pub fn open(bytes: Vec<u8>) -> Result<Self> {
        let most = MOST_BYTES as usize;
        let options = OpenOptions::default().with_max_read_bytes(most).with_max_chunk_bytes(most);
        let options = options.with_max_object_header_bytes(16 << 20);
        let file = Hdf5File::from_vec_with_options(bytes, options).map_err(|e| damaged("", &e))?;
        Ok(Store { file })
    }

    /// All datasets of floats, by their paths.
    pub fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        let mut found = Vec::new();
        let root = self.file.root_group().map_err(|e| damaged("", &e))?;
        let mut left = Left { objects: MOST_OBJECTS, elements: MOST_ELEMENTS };
        walk(&root, "", 0, &mut left, &mut found)?;
        Ok(found)
    }

    fn group(&self, path: &str) -> Result<Group> {
        let mut group = self.file.root_group().map_err(|e| damaged(path, &e))?;
        for part in path.split('/').filter(|p| !p.is_empty()) {
            group = group.group(part).map_err(|e| damaged(path, &e))?;
        }
        Ok(group)
    }

    /// A text of a group.
    pub fn text(&self, path: &str, name: &str) -> Option<String> {
        self.group(path).ok()?.attribute(name).ok()?.read_string().ok()
    }

    /// Texts of a group.
    pub fn texts(&self, path: &str, name: &str) -> Option<Vec<String>> {
        let attribute = self.group(path).ok()?.attribute(name).ok()?;
        attribute.read_strings().ok()
    }
}

/// What may still be read.
struct Left {
    objects: usize,
    elements: usize,
}

fn walk(group: &Group, path: &str, depth: usize, left: &mut Left, found: &mut Vec<(String, Tensor)>) -> Result<()> {
    if depth > MOST_DEPTH {
        return Err(damaged(path, &"groups in groups without end"));
    }
    let (groups, datasets) = group.members().map_err(|e| damaged(path, &e))?;
    let join = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
    };
    let objects = groups.len() + datasets.len();
    left.objects = left.objects.checked_sub(objects).ok_or_else(|| damaged(path, &"too many groups and datasets"))?;
    for dataset in &datasets {
        let place = join(dataset.name());
        let count = dataset.num_elements().map_err(|e| damaged(&place, &e))?;
        let taken = usize::try_from(count).ok().and_then(|n| left.elements.checked_sub(n));
        left.elements =
            taken.ok_or(ImportError::TooLarge { bytes: count.saturating_mul(4), most: 4 * MOST_ELEMENTS as u64 })?;
        let shape: Vec<usize> = dataset.shape().iter().map(|n| *n as usize).collect();
        let values = floats(dataset, &place)?;
        if let Some(values) = values {
            found.push((place.clone(), Tensor::new(&place, shape, values)?));
        }
    }
    for inner in &groups {
        walk(inner, &join(inner.name()), depth + 1, left, found)?;
    }
    Ok(())
}

/// The values of a dataset of floats; none where it is of whole numbers or texts (seeds of dropout).
fn floats(dataset: &hdf5_reader::Dataset, place: &str) -> Result<Option<Vec<f32>>> {
    use hdf5_reader::Datatype;
    let Datatype::FloatingPoint { size, .. } = dataset.dtype() else { return Ok(None) };
    let kind = match size {
        2 => Kind::F16,
        4 => Kind::F32,
        8 => Kind::F64,
        other => {
            return Err(ImportError::unsupported(
                place,
                format!("floats of {other} bytes"),
                "weights are f32, f16 or f64 here: save the float network",
            ));
        }
    };
    let bytes = dataset.read_native_bytes().map_err(|e| damaged(place, &e))?;
    Ok(Some(kind.values(&bytes)))
}
