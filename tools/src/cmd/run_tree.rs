//! `elman run` on brackets: a tree a line through a model that runs over trees.

use anyhow::{Result, anyhow, ensure};
use elman::Model;
use elman::blob::Readout;
use elman::net::Node;
use elman::text::Text;

use super::run_text::Line;
use elman_data::ExampleStructure;
use elman_data::records::{Forest, Ordered};

/// The trees of a line: separated by tabs, as many as the model has roots, a label before them skipped; with a label on
/// every node or without.
fn trees(line: &str, roots: usize) -> Result<Ordered> {
    let mut fields: Vec<&str> = line.split('\t').collect();
    if fields.len() == roots + 1 {
        fields.remove(0);
    }
    ensure!(fields.len() == roots, "{} trees between tabs, the model reads {roots}", fields.len());
    let read = |labelled: bool| {
        let mut forest = Forest::default();
        fields.iter().try_for_each(|tree| forest.read(tree, labelled)).map(|()| forest.ordered())
    };
    read(false).or_else(|problem| read(true).map_err(|_| anyhow!(problem)))
}

/// The tree under the last node as brackets, with the labels answered.
fn bracketed(nodes: &[Node], words: &[String], labels: &[String]) -> String {
    let mut text = String::new();
    // What is still to be written: a node, or the text after one.
    let mut rest: Vec<Result<usize, &str>> = vec![Ok(nodes.len() - 1)];
    while let Some(next) = rest.pop() {
        match next {
            Err(sign) => text.push_str(sign),
            Ok(k) => match nodes[k] {
                Node::Leaf(frame) => text.push_str(&format!("({} {})", labels[k], words[usize::from(frame)])),
                Node::Inner { left, right } => {
                    text.push_str(&format!("({} ", labels[k]));
                    rest.extend([Err(")"), Ok(right.into()), Err(" "), Ok(left.into())]);
                }
            },
        }
    }
    text
}

/// The words of a line, their symbols, and its nodes.
fn read(text: Text<'_>, line: &str, roots: usize) -> Result<(Vec<String>, Vec<i16>, Vec<Node>)> {
    let Ordered { words, joints, .. } = trees(line, roots)?;
    let ExampleStructure::Tree(nodes) = joints else { return Err(anyhow!("no tree")) };
    let frames = words.iter().map(|word| text.index(word) as i16).collect();
    Ok((words, frames, nodes))
}

/// What the model reads of a line: symbols and nodes.
pub(super) fn input(text: Text<'_>, line: &str, roots: usize) -> Result<(Vec<i16>, Vec<Node>)> {
    read(text, line, roots).map(|(_, frames, nodes)| (frames, nodes))
}

/// The answer of the model to a line.
pub(super) fn line(
    model: &Model<'_>,
    memory: &mut [u32],
    text: Text<'_>,
    (place, line): (&str, &str),
    roots: usize,
) -> Result<Line> {
    let (words, frames, nodes) = read(text, line, roots)?;
    let mut labels = Vec::with_capacity(nodes.len());
    let mut tree = model.tree(memory).map_err(|e| anyhow!("{e}"))?;
    let run = tree.run_each(&frames, &nodes, |_, output| {
        let best = output.argmax().unwrap_or(0);
        labels.push(model.label(best).map_or(format!("output {best}"), str::to_owned));
    });
    if let Err(e) = run {
        return Line::too_large(model, place, line, e);
    }
    if model.readout() == Readout::Last {
        return Ok(Line::labelled(line.to_owned(), labels.pop().unwrap_or_default()));
    }
    let text = bracketed(&nodes, &words, &labels);
    Ok(Line::labelled(text, labels.pop().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_stand_in_data() {
        for (line, roots, leaves) in
            [("(3 (2 It) (4 works))", 1, 2), ("( ( a b ) c )", 1, 3), ("<\ta\t( a ( or b ) )", 2, 4), ("a\tb", 2, 2)]
        {
            assert_eq!(trees(line, roots).unwrap().words.len(), leaves, "{line}");
        }
        let problem = trees("a\tb\tc\td", 2).unwrap_err().to_string();
        assert_eq!(problem, "4 trees between tabs, the model reads 2");
        assert_eq!(trees("( a b", 1).unwrap_err().to_string(), "1 `(` without their `)`");
    }

    #[test]
    fn labels_stand_where_they_were_read() {
        let text = "(3 (2 It) (4 (1 b) (0 c)))";
        let tree = trees(text, 1).unwrap();
        let ExampleStructure::Tree(nodes) = &tree.joints else { panic!("a tree") };
        assert_eq!(bracketed(nodes, &tree.words, &tree.labels), text);
    }
}
