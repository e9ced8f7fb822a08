//! What the rows are of: the texts or pictures behind the activations, for people to look at.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// What a row, or a picture of several rows, is of. Each field may be missing, but not all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A picture: a path relative to the examples file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// A class; a number is taken as its digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text_or_number")]
    pub label: Option<String>,
    /// A name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text_or_number")]
    pub name: Option<String>,
}

fn text_or_number<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a number")]
    enum Either {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(Option::<Either>::deserialize(deserializer)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}

/// The cells of a picture, each of which is a row of the data: written "7x7", height first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells from top to bottom.
    pub height: usize,
    /// Cells from left to right.
    pub width: usize,
}

impl Grid {
    /// How many cells a picture has.
    pub fn cells(self) -> usize {
        self.height * self.width
    }
}

impl FromStr for Grid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.split_once('x')
            .and_then(|(h, w)| Some((h.trim().parse().ok()?, w.trim().parse().ok()?)))
            .filter(|&(h, w): &(u32, u32)| h > 0 && w > 0 && h.checked_mul(w).is_some())
            .map(|(h, w)| Self { height: h as usize, width: w as usize })
            .ok_or_else(|| {
                Error::setting(
                    "grid",
                    format!("{text:?}"),
                    "HEIGHTxWIDTH, for example 7x7",
                    "It stands in the metadata of the data file.",
                )
            })
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

/// The examples of a data set: one for each row or, with a grid, one for each picture.
#[derive(Clone, Debug)]
pub struct Examples {
    path: PathBuf,
    items: Vec<Example>,
    /// The grid, if an example is a picture of several rows.
    grid: Option<Grid>,
}

impl Examples {
    /// Reads the `.jsonl` file that belongs to data of `rows` rows and, if its metadata has one, `grid`.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses; as [`Examples::parse`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn read(path: impl AsRef<Path>, rows: usize, grid: Option<Grid>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
            Error::file(path, format!("line {line} is not UTF-8"), "Save the file as UTF-8.")
        })?;
        Self::parse(path, &text, rows, grid)
    }

    /// As [`Examples::read`], from the text of the file; `path` names it in messages.
    ///
    /// # Errors
    /// [`Error::File`] with the number of the line that is not a JSON object with a `text`, `image`, `label` or `name`,
    /// or if the number of examples is neither that of the rows nor that of the pictures.
    pub fn parse(
        path: impl AsRef<Path>,
        text: &str,
        rows: usize,
        grid: Option<Grid>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let text = text.trim_start_matches('\u{feff}').trim_end();
        let items = text
            .lines()
            .enumerate()
            .map(|(index, line)| {
                parse_line(line).map_err(|problem| {
                    Error::file(
                        path,
                        format!("line {}: {problem}", index + 1),
                        "Each line is one JSON object, for example {\"text\": \"...\", \"label\": \"...\"}.",
                    )
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let grid = match grid {
            Some(grid) if items.len().checked_mul(grid.cells()) == Some(rows) => Some(grid),
            _ if items.len() == rows => None,
            _ => return Err(wrong_number(path, items.len(), rows, grid)),
        };
        Ok(Self { path: path.to_owned(), items, grid })
    }

    /// The file that they are from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All examples, in the order of the file.
    pub fn items(&self) -> &[Example] {
        &self.items
    }

    /// The grid, if an example is a picture of several rows.
    pub fn grid(&self) -> Option<Grid> {
        self.grid
    }

    /// The example that a row belongs to, and the cell (from the top, from the left) that it is within a picture.
    ///
    /// # Panics
    /// If the row lies past the end.
    pub fn of_row(&self, row: usize) -> (usize, Option<(usize, usize)>) {
        match self.grid {
            None => {
                assert!(row < self.items.len(), "row {row} of {}", self.items.len());
                (row, None)
            }
            Some(grid) => {
                let (index, cell) = (row / grid.cells(), row % grid.cells());
                assert!(index < self.items.len(), "row {row} of {} pictures", self.items.len());
                (index, Some((cell / grid.width, cell % grid.width)))
            }
        }
    }

    /// The picture of an example, beside the examples file.
    pub fn image_path(&self, index: usize) -> Option<PathBuf> {
        let image = self.items[index].image.as_ref()?;
        Some(self.path.parent().unwrap_or(Path::new("")).join(image))
    }
}

fn parse_line(line: &str) -> std::result::Result<Example, String> {
    if line.trim().is_empty() {
        return Err("it is blank, so that the lines after it would belong to the wrong rows".into());
    }
    let example: Example = serde_json::from_str(line).map_err(|e| {
        // The parser counts lines of its own.
        let problem = e.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
        if e.column() > 0 { format!("{problem} (column {})", e.column()) } else { problem }
    })?;
    if example == Example::default() {
        return Err("it has none of text, image, label and name".into());
    }
    Ok(example)
}

fn wrong_number(path: &Path, items: usize, rows: usize, grid: Option<Grid>) -> Error {
    let expected = match grid {
        Some(grid) => format!(
            "the data has {rows} rows, that is {} pictures of {grid} cells",
            rows / grid.cells()
        ),
        None => format!("the data has {rows} rows"),
    };
    Error::file(
        path,
        format!("it holds {items} examples, but {expected}"),
        "Give one line for each row or, with a grid in the data's metadata, one for each picture.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, rows: usize, grid: Option<&str>) -> String {
        let grid = grid.map(|g| g.parse().unwrap());
        Examples::parse("e.jsonl", text, rows, grid).unwrap_err().to_string()
    }

    #[test]
    fn one_a_row() {
        let text =
            "\u{feff}{\"text\": \"a\", \"label\": 7}\r\n{\"name\": \"b\", \"other\": []}\n\n";
        let examples = Examples::parse("e.jsonl", text, 2, None).unwrap();
        assert_eq!(examples.items()[0].text.as_deref(), Some("a"));
        assert_eq!(examples.items()[0].label.as_deref(), Some("7"));
        assert_eq!(examples.of_row(1), (1, None));
        assert_eq!(examples.image_path(1), None);
    }

    #[test]
    fn one_a_picture() {
        let text = "{\"image\": \"i/0.webp\"}\n{\"image\": \"i/1.webp\"}\n";
        let grid: Grid = "2x3".parse().unwrap();
        assert_eq!(grid.to_string(), "2x3");
        let examples = Examples::parse("dir/e.jsonl", text, 12, Some(grid)).unwrap();
        assert_eq!(examples.of_row(0), (0, Some((0, 0))));
        assert_eq!(examples.of_row(5), (0, Some((1, 2))));
        assert_eq!(examples.of_row(6 + 4), (1, Some((1, 1))));
        assert_eq!(examples.image_path(1), Some(PathBuf::from("dir/i/1.webp")));
        // Examples of the rows themselves stay possible beside a grid.
        assert_eq!(Examples::parse("e", text, 2, Some(grid)).unwrap().grid(), None);
    }

    #[test]
    fn errors_name_the_line() {
        let good = "{\"text\": \"a\"}\n";
        for (bad, expected) in [
            ("{\"text\": 3}", "invalid type: integer"),
            ("{\"text\": \"a\"", "EOF while parsing"),
            ("[]", "line 2"),
            ("", "line 2: it is blank"),
            ("{\"title\": \"a\"}", "none of text, image, label and name"),
            ("{\"label\": {}}", "a text or a number"),
        ] {
            let message = problem(&format!("{good}{bad}\n{good}"), 3, None);
            assert!(message.contains("e.jsonl: line 2: "), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_number_must_fit() {
        let text = "{\"text\": \"a\"}\n".repeat(3);
        assert!(problem(&text, 4, None).contains("holds 3 examples, but the data has 4 rows"));
        let message = problem(&text, 20, Some("2x2"));
        assert!(message.contains("20 rows, that is 5 pictures of 2x2 cells"), "{message}");
    }

    #[test]
    fn grids_that_make_no_sense_are_refused() {
        for text in ["", "7", "7x", "0x7", "7x7x7", "-1x2", "65536x65536"] {
            assert!(text.parse::<Grid>().is_err(), "{text}");
        }
    }
}
