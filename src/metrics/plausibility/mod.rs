//! Whether concepts are what people call something: labels of the rows, and the concept that fits each class best.
//!
//! Two figures a class, each for the concepts of a model and for directions that it has to be better than:
//! - the largest cosine between the class's direction and an atom. The direction of a class is the mean of its rows less the mean of all
//!   other labelled rows, normalised as the model has it. The mean over the classes is what Fel et al. 2025 call
//!   plausibility, with the weights of a trained classifier in the place of differences of means;
//! - the area under the ROC curve (AUC) of one concept's code, taken as a score for "the example is of this class". The concept with the largest
//!   area is chosen on one half of the examples and judged on the other, so that having many concepts to choose from
//!   flatters nobody.

mod auc;
mod baselines;
mod best;
mod classes;
mod codes;
mod means;
mod projections;

pub use classes::{ClassSize, Classes};

use crate::{
    data::Loader,
    error::{Error, Result},
    sae::Sae,
};
use best::{Best, auc as area, chosen, nearest};
use codes::CodeScores;
use means::Means;
use serde::Serialize;

/// How well the concepts of a model, and baselines, fit the classes of its data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plausibility {
    /// Rows of the data.
    pub rows: usize,
    /// Examples; as many as rows, unless they are pictures of several rows.
    pub examples: usize,
    /// What the halves, and the random directions, are drawn from.
    pub seed: u64,
    /// The classes that were judged.
    pub classes: Vec<ClassSize>,
    /// The classes of fewer than four examples, which count as "other" only.
    pub left_out: Vec<ClassSize>,
    /// The concepts, and then the baselines.
    pub sets: Vec<Candidates>,
}

/// What a set of candidates reaches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidates {
    /// `concepts`, `atoms`, `points`, `pca` or `random`.
    pub name: String,
    /// How many there are to choose from.
    pub count: usize,
    /// Mean over the classes of the largest cosine to the direction of the class.
    pub cosine: f64,
    /// Mean over the classes of the area on the half for judging.
    pub auc: f64,
    /// One a class, in the order of [`Plausibility::classes`].
    pub classes: Vec<Found>,
}

/// The best candidates for one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Largest cosine between the direction of the class and a candidate's.
    pub cosine: f64,
    /// The candidate that has it.
    pub cosine_of: usize,
    /// Area, on the half for judging, of the candidate that was chosen on the other half; equal scores count half.
    pub auc: f64,
    /// That candidate.
    pub auc_of: usize,
}

/// Judges `sae` by the labels of all rows of `loader`, which has to normalise as the model was trained: with
/// [`Sae::normalizer`].
///
/// An example of several rows has the largest score of its rows. The same is found for directions u, with max(x·u/‖u‖, 0) as
/// the score of a row x: the model's atoms, which tells what its selection loses by leaving most codes zero, and with
/// `baselines` the points of an archetypal model, the principal directions of the data with both signs (as many as concepts
/// or, if that is less, 2 d), and as many random ones as concepts. `on_progress` gets the name of what is being judged, the
/// rows done for it and how many there are to do, some rows several times.
///
/// Memory on the host: 8 bytes for each example and concept that is active in it; for directions 256 MiB or, if that is
/// more, 64 bytes an example, and 3 d² numbers of float64.
///
/// # Errors
/// [`Error::Shape`] if the classes are of another number of rows, and as [`evaluate`](super::evaluate).
pub async fn plausibility(
    sae: &Sae,
    loader: &Loader,
    classes: &Classes,
    baselines: bool,
    on_progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Plausibility> {
    let (rows, width) = (loader.source().rows(), sae.settings().input_shape);
    if classes.rows() != rows {
        let hint = "Give the examples of this data.";
        return Err(Error::shape("the examples", &[classes.rows()], &[rows], hint));
    }
    let means = Means::of(loader, classes, &mut |done| on_progress("classes", done, rows)).await?;
    let mut judge = Judge { sae, loader, classes, means, sets: Vec::new(), on_progress };
    let atoms = judge.concepts().await?;
    judge.directions("atoms", atoms).await?;
    if baselines {
        let concepts = sae.settings().nb_concepts;
        if let Some(points) = baselines::points(sae).await? {
            judge.directions("points", points).await?;
        }
        judge.principal(concepts).await?;
        judge.directions("random", baselines::random(classes, width, concepts)).await?;
    }
    Ok(Plausibility {
        rows,
        examples: classes.examples(),
        seed: classes.seed(),
        classes: classes.judged().to_vec(),
        left_out: classes.left_out().to_vec(),
        sets: judge.sets,
    })
}

/// What judging needs, and what it has found.
struct Judge<'a> {
    sae: &'a Sae,
    loader: &'a Loader,
    classes: &'a Classes,
    means: Means,
    sets: Vec<Candidates>,
    on_progress: &'a mut dyn FnMut(&str, usize, usize),
}

impl Judge<'_> {
    /// Judges the codes; gives the atoms.
    async fn concepts(&mut self) -> Result<Vec<f32>> {
        let Self { sae, loader, classes, on_progress, .. } = self;
        let rows = classes.rows();
        let mut tell = |done| on_progress("concepts", done, rows);
        let scores = CodeScores::of(sae, loader, classes, &mut tell).await?;
        let best = chosen(classes, &scores, 0..scores.concepts());
        let judged = |(class, best): (usize, Best)| {
            (best, area(&classes.judging, &scores, best.candidate, class))
        };
        let areas = best.into_iter().enumerate().map(judged).collect();
        let atoms = sae.dictionary().await?;
        self.push("concepts", &atoms, areas);
        Ok(atoms)
    }

    async fn principal(&mut self, count: usize) -> Result<()> {
        let Self { loader, classes, means, on_progress, .. } = self;
        let count = baselines::principal_count(means.overall.len(), count);
        let rows = classes.rows();
        let all = rows * (1 + projections::passes(classes, count));
        let mut tell = |done| on_progress("pca", done, all);
        let found = baselines::principal(loader, &means.overall, count, &mut tell).await?;
        self.project("pca", found, rows, all).await
    }

    async fn directions(&mut self, name: &str, directions: Vec<f32>) -> Result<()> {
        let count = directions.len() / self.loader.source().width();
        let all = self.classes.rows() * projections::passes(self.classes, count);
        self.project(name, directions, 0, all).await
    }

    /// Judges directions after `before` rows of `all` have been done for them.
    async fn project(
        &mut self,
        name: &str,
        directions: Vec<f32>,
        before: usize,
        all: usize,
    ) -> Result<()> {
        let Self { sae, loader, classes, on_progress, .. } = self;
        let mut tell = |done| on_progress(name, before + done, all);
        let kept = directions.clone();
        let areas =
            projections::choose(sae.device(), loader, classes, directions, &mut tell).await?;
        self.push(name, &kept, areas);
        Ok(())
    }

    fn push(&mut self, name: &str, candidates: &[f32], areas: Vec<(Best, f64)>) {
        let width = self.means.overall.len();
        let cosines = nearest(&self.means.directions, candidates, width);
        let found = |(cosine, (chosen, auc)): (&Best, &(Best, f64))| Found {
            cosine: cosine.value,
            cosine_of: cosine.candidate,
            auc: *auc,
            auc_of: chosen.candidate,
        };
        let classes: Vec<Found> = cosines.iter().zip(&areas).map(found).collect();
        let mean =
            |of: fn(&Found) -> f64| classes.iter().map(of).sum::<f64>() / classes.len() as f64;
        self.sets.push(Candidates {
            name: name.to_owned(),
            count: candidates.len() / width,
            cosine: mean(|found| found.cosine),
            auc: mean(|found| found.auc),
            classes,
        });
    }
}
