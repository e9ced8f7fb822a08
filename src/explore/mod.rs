//! Looking at a trained model: which rows a concept fires on, which points its atom is made of, and which rows of the
//! data those points are like. [`atlas`](mod@atlas) puts all of it into the files of the explorer page.

pub mod atlas;
mod atoms;
mod best;
mod nearest;
mod top_rows;

pub use atoms::{PointWeight, atom_points, point_rows};
pub use nearest::{Distance, NearRow, nearest_rows};
pub use top_rows::{ConceptRows, Firing, TopRows, top_rows};
