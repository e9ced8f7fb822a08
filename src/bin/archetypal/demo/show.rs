//! The demo's text, for terminals of 80 columns.

use super::{
    concepts::Shown,
    heat,
    sets::{DemoSet, Opened},
};
use crate::text;
use std::{fmt::Write, path::Path, time::Duration};

/// Columns of a picture and the gap after it.
const PICTURE: usize = 18;

/// The title of a set.
pub fn heading(set: &DemoSet, opened: &Opened) -> String {
    let rows = text::count(opened.data.rows() as u64);
    let width = opened.data.width();
    let line = "─".repeat(set.title.chars().count());
    format!(
        "\n{}\n{line}\n{}: {rows} {} of {width} dimensions\n",
        set.title, set.data, set.rows_are
    )
}

/// A few concepts, one after another.
pub fn concepts(set: &DemoSet, opened: &Opened, shown: &[Shown]) -> String {
    let mut out = String::new();
    for shown in shown {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "\nConcept {} · {}\n  fires in {} of the {}; {} of its top {} examples have this label",
            shown.concept,
            shown.label,
            text::percent(shown.density),
            set.rows_are,
            shown.with_label,
            shown.examples,
        );
        out += &match opened.examples.grid() {
            Some(grid) => pictures(opened, shown, grid.width),
            None => texts(opened, shown),
        };
        let _ = writeln!(out, "  its atom is a blend of {} points, most of all", shown.blended);
        for (weight, row) in &shown.points {
            let share = text::percent(f64::from(weight.weight));
            let name = text::cut(&name(opened, *row), 64);
            let _ = writeln!(out, "  {share:>8}  {name}");
        }
    }
    out
}

/// The pictures side by side: name, label, and where in the picture the concept fires.
fn pictures(opened: &Opened, shown: &Shown, width: usize) -> String {
    let full = shown.top.first().map_or(1.0, |firing| firing.value);
    let mut lines = vec![String::new(); 2];
    for (firing, map) in shown.top.iter().zip(&shown.maps) {
        let (index, _) = opened.examples.of_row(firing.row);
        let example = &opened.examples.items()[index];
        let column = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            format!("{:PICTURE$}", text::cut(text, PICTURE - 2))
        };
        lines[0] += &column(&example.name);
        lines[1] += &column(&example.label);
        for (place, line) in heat::lines(map, width, full).into_iter().enumerate() {
            if lines.len() < place + 3 {
                lines.push(String::new());
            }
            let _ = write!(lines[place + 2], "{line:PICTURE$}");
        }
    }
    lines.iter().map(|line| format!("  {}\n", line.trim_end())).collect()
}

fn texts(opened: &Opened, shown: &Shown) -> String {
    let line = |firing: &archetypal::explore::Firing| {
        format!("  {:>8.2}  {}\n", firing.value, text::cut(&name(opened, firing.row), 66))
    };
    shown.top.iter().map(line).collect()
}

/// What a row is of, in a line.
fn name(opened: &Opened, row: usize) -> String {
    let (index, cell) = opened.examples.of_row(row);
    let example = &opened.examples.items()[index];
    let named = example.text.as_ref().or(example.name.as_ref()).or(example.label.as_ref());
    let named = named.cloned().unwrap_or_else(|| format!("row {row}"));
    match cell {
        None => named,
        Some((y, x)) => format!("{named}, the cell in row {} and column {}", y + 1, x + 1),
    }
}

/// What to do with data of one's own.
pub fn next_steps(folder: &Path, took: Duration) -> String {
    let example = folder.join("clipart-efflite0.safetensors");
    let example = example.display();
    format!(
        "
Done in {}. With activations of your own (.npy or .safetensors, a row each):

  archetypal train DATA --out sae.safetensors --concepts 1024 --top-k 16
  archetypal eval sae.safetensors DATA
  archetypal encode sae.safetensors DATA --out codes.safetensors

To begin with, DATA may be {example}
`archetypal train --help` explains every option.
",
        text::duration(took)
    )
}
