//! Molecules as JSON lines: `y`, `atoms` of `[symbol, aromatic, hydrogens, charge]` and `bonds` of `[i, j, type]`.

use serde::Deserialize;

use super::graph::Edges;
use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task};
use crate::Error;
use crate::lines::{Lines, is_blank};

/// Elements with a channel of their own; others share the last.
const ELEMENTS: [&str; 10] = ["C", "N", "O", "S", "F", "Cl", "Br", "I", "P", "other"];
/// Channels of a node after the elements.
const MORE: [&str; 4] = ["aromatic", "hydrogens", "charge", "bonds"];
/// Types of bonds.
const BONDS: [&str; 4] = ["SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"];

#[derive(Deserialize)]
struct Molecule {
    y: f32,
    atoms: Vec<(String, f32, f32, f32)>,
    bonds: Vec<(u16, u16, String)>,
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Molecules, &[Task::Series, Task::Class])?;
    found.meaning = Some((task, None));
    found.channels = Some(ELEMENTS.iter().chain(&MORE).map(|&c| c.to_owned()).collect());
    found.edges = BONDS.map(str::to_lowercase).to_vec();
    found.outputs = if task == Task::Series { vec!["y".to_owned()] } else { Vec::new() };
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let molecule: Molecule = match serde_json::from_str(text) {
            Ok(molecule) => molecule,
            Err(e) => return Err(lines.problem(format!("no molecule: {e}"))),
        };
        let numbers = molecule.atoms.iter().flat_map(|(_, a, h, c)| [*a, *h, *c]).chain([molecule.y]);
        if !numbers.into_iter().all(f32::is_finite) {
            return Err(lines.problem("a number beyond what 32 bits hold (±3.4e38); take a larger unit"));
        }
        let (nodes, mut bonds, mut edges) = (molecule.atoms.len(), vec![0f32; molecule.atoms.len()], Edges::default());
        for (i, j, kind) in &molecule.bonds {
            let Some(at) = BONDS.iter().position(|known| known == kind) else {
                return Err(lines.problem(format!("a bond of type `{kind}`; known are {}", BONDS.join(", "))));
            };
            let (Some(of_i), true) = (bonds.get(usize::from(*i)), usize::from(*j) < nodes) else {
                return Err(lines.problem(format!("a bond of atoms {i} and {j} in a molecule of {nodes}")));
            };
            bonds[usize::from(*i)] = of_i + 1.0;
            bonds[usize::from(*j)] += 1.0;
            let mut features = [0.0; BONDS.len()];
            features[at] = 1.0;
            edges.add([*i, *j], &features, false);
        }
        if nodes == 0 {
            return Err(lines.problem("a molecule without atoms; delete the line"));
        }
        let mut values = Vec::with_capacity(nodes * (ELEMENTS.len() + MORE.len()));
        for ((symbol, aromatic, hydrogens, charge), bonds) in molecule.atoms.iter().zip(&bonds) {
            let element = ELEMENTS.iter().position(|e| e == symbol).unwrap_or(ELEMENTS.len() - 1);
            values.extend((0..ELEMENTS.len()).map(|k| f64::from(u8::from(k == element))));
            values.extend([aromatic, hydrogens, charge, bonds].map(|v| f64::from(*v)));
        }
        let answer = match task {
            Task::Series => Answer::Values(vec![molecule.y.into()]),
            _ => Answer::Label(molecule.y.to_string()),
        };
        found.push_joined(part.split, format!("{name}:{line}"), Input::Values(values), edges.rows(nodes), answer);
    }
    Ok(())
}
