//! Which examples belong to which class, and in which half of the examples each one is.

use crate::{
    data::{
        Examples,
        random::{Purpose, generator, shuffle},
    },
    error::{Error, Result},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Examples of a class that each half must have.
const LEAST: usize = 2;
/// The class of an example that is in the other half, or has no label.
pub(super) const NONE: u32 = u32::MAX;

/// A class and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassSize {
    /// The label.
    pub name: String,
    /// Examples with this label.
    pub examples: usize,
    /// Rows of these examples: as many, or all cells of as many pictures.
    pub rows: usize,
}

/// The classes of labelled examples, split into two halves: in one a concept is chosen for each class, in the other it is
/// judged.
///
/// The examples of each class are put in an order drawn from a seed; the first ⌊n/2⌋ of them are for choosing. The rows of a picture
/// stay together.
#[derive(Clone, Debug)]
pub struct Classes {
    /// Those that are judged, then those that are too small.
    sizes: Vec<ClassSize>,
    judged: usize,
    rows_per_example: usize,
    seed: u64,
    /// Class of each example, [`NONE`] without a label.
    of_example: Vec<u32>,
    pub(super) choosing: Half,
    pub(super) judging: Half,
}

/// A half of the examples.
#[derive(Clone, Debug)]
pub(super) struct Half {
    /// Class of each example, [`NONE`] where it is not in this half.
    pub of_example: Vec<u32>,
    /// Examples here of each class.
    pub counts: Vec<u64>,
    /// Examples here.
    pub total: u64,
}

impl Classes {
    /// Of the labels of `examples`, in alphabetical order.
    ///
    /// Examples without a label are left out of everything. Classes of fewer than 4 examples are not judged, but stay among
    /// what the others are told from.
    ///
    /// # Errors
    /// [`Error::File`] if there is no label, or fewer than two classes are large enough.
    pub fn new(examples: &Examples, seed: u64) -> Result<Self> {
        let mut by_label: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (index, example) in (0u32..).zip(examples.items()) {
            if let Some(label) = &example.label {
                by_label.entry(label).or_default().push(index);
            }
        }
        let (large, small): (Vec<_>, Vec<_>) =
            by_label.into_iter().partition(|(_, members)| members.len() >= 2 * LEAST);
        check(examples, &large, &small)?;
        let rows_per_example = examples.grid().map_or(1, |grid| grid.cells());
        let judged = large.len();
        let count = examples.items().len();
        let mut classes = Self {
            sizes: Vec::new(),
            judged,
            rows_per_example,
            seed,
            of_example: vec![NONE; count],
            choosing: Half::new(count, judged + small.len()),
            judging: Half::new(count, judged + small.len()),
        };
        for (name, members) in large.into_iter().chain(small) {
            classes.push(name, members);
        }
        Ok(classes)
    }

    fn push(&mut self, name: &str, mut members: Vec<u32>) {
        let class = self.sizes.len() as u32;
        let rows = members.len() * self.rows_per_example;
        self.sizes.push(ClassSize { name: name.to_owned(), examples: members.len(), rows });
        members.iter().for_each(|&example| self.of_example[example as usize] = class);
        shuffle(&mut generator(self.seed, Purpose::Halves, [u64::from(class), 0]), &mut members);
        let (choosing, judging) = members.split_at(members.len() / 2);
        choosing.iter().for_each(|&example| self.choosing.put(example, class));
        judging.iter().for_each(|&example| self.judging.put(example, class));
    }

    /// Those that are judged.
    pub fn judged(&self) -> &[ClassSize] {
        &self.sizes[..self.judged]
    }

    /// Those that are too small.
    pub fn left_out(&self) -> &[ClassSize] {
        &self.sizes[self.judged..]
    }

    /// Whether an example is in the half on which candidates are chosen; those without a label are in none.
    pub fn is_for_choosing(&self, example: usize) -> bool {
        self.choosing.of_example[example] != NONE
    }

    /// The seed of the halves.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many examples, those without a label among them.
    pub fn examples(&self) -> usize {
        self.of_example.len()
    }

    /// Rows of one example.
    pub fn rows_per_example(&self) -> usize {
        self.rows_per_example
    }

    /// How many rows the data has.
    pub fn rows(&self) -> usize {
        self.examples() * self.rows_per_example
    }

    /// How many classes, those that are too small among them.
    pub(super) fn all(&self) -> usize {
        self.sizes.len()
    }

    /// The class of a row, [`NONE`] without a label.
    pub(super) fn of_row(&self, row: usize) -> u32 {
        self.of_example[row / self.rows_per_example]
    }
}

impl Half {
    fn new(examples: usize, classes: usize) -> Self {
        Self { of_example: vec![NONE; examples], counts: vec![0; classes], total: 0 }
    }

    fn put(&mut self, example: u32, class: u32) {
        self.of_example[example as usize] = class;
        self.counts[class as usize] += 1;
        self.total += 1;
    }

    #[cfg(test)]
    pub fn of(classes: &[u32]) -> Self {
        let count =
            classes.iter().filter(|&&class| class != NONE).max().map_or(0, |&most| most + 1);
        let mut half = Self::new(classes.len(), count as usize);
        for (example, &class) in (0..).zip(classes).filter(|(_, class)| **class != NONE) {
            half.put(example, class);
        }
        half
    }
}

fn check(
    examples: &Examples,
    large: &[(&str, Vec<u32>)],
    small: &[(&str, Vec<u32>)],
) -> Result<()> {
    let problem = match (large.len(), small.len()) {
        (0, 0) => "none of its examples has a label".to_owned(),
        (0 | 1, _) => {
            let of = large.len() + small.len();
            format!("{} of its {of} classes has 4 examples or more", large.len())
        }
        _ => return Ok(()),
    };
    let hint = "Give the lines a \"label\", at least two different ones on four lines each: a class is chosen for in one half of \
                its examples and judged in the other.";
    Err(Error::file(examples.path(), problem, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(labels: &[&str], seed: u64) -> Result<Classes> {
        let line = |label: &&str| match *label {
            "" => "{\"text\": \"x\"}\n".to_owned(),
            label => format!("{{\"label\": \"{label}\"}}\n"),
        };
        let text: String = labels.iter().map(line).collect();
        let grid = "1x2".parse().unwrap();
        Classes::new(&Examples::parse("e", &text, 2 * labels.len(), Some(grid)).unwrap(), seed)
    }

    #[test]
    fn halves_hold_every_labelled_example_once() {
        let labels = ["b", "a", "b", "b", "", "a", "a", "b", "c", "a", "b", "c", "c"];
        let found = classes(&labels, 3).unwrap();
        let names = |sizes: &[ClassSize]| -> Vec<(String, usize, usize)> {
            sizes.iter().map(|size| (size.name.clone(), size.examples, size.rows)).collect()
        };
        assert_eq!(names(found.judged()), [("a".into(), 4, 8), ("b".into(), 5, 10)]);
        assert_eq!(names(found.left_out()), [("c".into(), 3, 6)]);
        assert_eq!((found.examples(), found.rows(), found.all()), (13, 26, 3));
        assert_eq!(found.choosing.counts, [2, 2, 1]);
        assert_eq!(found.judging.counts, [2, 3, 2]);
        assert_eq!((found.choosing.total, found.judging.total), (5, 7));
        for (example, label) in labels.iter().enumerate() {
            let expected = ["a", "b", "c"].iter().position(|name| name == label);
            let expected = expected.map_or(NONE, |class| class as u32);
            let halves = [&found.choosing, &found.judging].map(|half| half.of_example[example]);
            assert_eq!(found.of_row(2 * example + 1), expected);
            assert_eq!((halves[0].min(halves[1]), halves[0].max(halves[1])), (expected, NONE));
        }
        let again = classes(&labels, 3).unwrap();
        assert_eq!(found.choosing.of_example, again.choosing.of_example);
        let others = (4..12).map(|seed| classes(&labels, seed).unwrap());
        assert!(
            others
                .into_iter()
                .any(|other| { other.choosing.of_example != found.choosing.of_example })
        );
    }

    #[test]
    fn too_few_labels_are_an_error() {
        let message = |labels: &[&str]| classes(labels, 0).unwrap_err().to_string();
        assert!(message(&["", ""]).contains("none of its examples has a label"));
        assert!(message(&["a", "a", "a", "a", "b"]).contains("1 of its 2 classes has 4 examples"));
    }
}
