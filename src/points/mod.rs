//! The points that archetypal atoms are blends of: k-means centres of the data, or a sample of its rows.

mod kmeans;
mod seeding;

pub use kmeans::{KMeans, Progress, kmeans};
