//! The text format of DGCNN and GIN: the number of graphs; for each `nodes label`, then a line a node, `tag m` and its m
//! neighbours, counted from 0. Another file may name the fold of each graph, a number a line.

use super::graph::Edges;
use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::lines::{Lines, first_lines};
use crate::{Error, Split};
use std::path::Path;

/// Whether a file begins as graphs do: their number, `nodes label`, and a node with as many neighbours as it says.
pub(super) fn begins(path: &Path) -> Result<bool, Error> {
    let lines = first_lines(path, 3)?;
    let numbers: Vec<Option<Vec<usize>>> =
        lines.iter().map(|l| l.split_whitespace().map(|n| n.parse().ok()).collect()).collect();
    Ok(match &numbers[..] {
        [Some(count), Some(graph), Some(node)] => {
            count.len() == 1 && graph.len() == 2 && node.len() >= 2 && node.len() == 2 + node[1]
        }
        _ => false,
    })
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Graphs, &[Task::Class])?;
    found.meaning = Some((task, Some(options.unit_of(Format::Graphs, &[Unit::Words])?)));
    let folds = folds(part, options)?;
    let mut lines = Lines::open(&part.path)?;
    let [count] = numbers(&mut lines, "the number of graphs")?[..] else {
        return Err(lines.problem("the first line is the number of graphs"));
    };
    if let Some(folds) = folds.as_ref().filter(|folds| folds.len() != count) {
        let problem = format!("{} graphs, but {} lines in `{}`", count, folds.len(), options.folds);
        return Err(lines.problem(problem));
    }
    for k in 0..count {
        let [nodes, label] = numbers(&mut lines, "`nodes label` of a graph")?[..] else {
            return Err(lines.problem("a graph begins with `nodes label`"));
        };
        let place = format!("{name}:{}", lines.number());
        if nodes == 0 || nodes > usize::from(u16::MAX) {
            return Err(lines.problem(format!("a graph of {nodes} nodes; 1 to 65535 can be read")));
        }
        let (mut tags, mut edges) = (Vec::with_capacity(nodes), Edges::default());
        for v in 0..nodes {
            let node = numbers(&mut lines, "a node")?;
            let [tag, m, heard @ ..] = &node[..] else {
                return Err(lines.problem("a node is `tag m` and its m neighbours"));
            };
            if heard.len() != *m {
                let problem =
                    format!("{} numbers after a node of {m} neighbours; values of nodes are not read", heard.len());
                return Err(lines.problem(problem));
            }
            tags.push(tag.to_string());
            for &u in heard {
                if u >= nodes {
                    return Err(lines.problem(format!("neighbour {u} of a graph of {nodes} nodes")));
                }
                edges.add([v as u16, u as u16], &[], true);
            }
        }
        let test = folds.as_ref().is_some_and(|folds| folds[k] == options.fold);
        let split = if test { Split::Test } else { part.split };
        found.push_joined(split, place, Input::Symbols(tags), edges.rows(nodes), Answer::Label(label.to_string()));
    }
    Ok(())
}

/// The fold of each graph, where the options name a file of folds.
fn folds(part: &DataFile, options: &RecordOptions) -> Result<Option<Vec<usize>>, Error> {
    if options.folds.is_empty() {
        return Ok(None);
    }
    let path = part.path.parent().unwrap_or(Path::new("")).join(&options.folds);
    let mut lines = Lines::open(&path)?;
    let mut folds = Vec::new();
    while let Some(text) = lines.next_filled()? {
        let fold = text.trim().parse::<usize>();
        folds.push(fold.map_err(|_| lines.problem("the fold of a graph is a number"))?);
    }
    Ok(Some(folds))
}

/// The whole numbers of the next line.
fn numbers(lines: &mut Lines, what: &str) -> Result<Vec<usize>, Error> {
    let Some(text) = lines.next_filled()? else {
        return Err(lines.problem(format!("the file ends after this line, where {what} should be; copy it again")));
    };
    let read: Result<Vec<usize>, String> =
        text.split_whitespace().map(|n| n.parse().map_err(|_| format!("`{n}` is no whole number"))).collect();
    read.map_err(|problem| lines.problem(problem))
}
