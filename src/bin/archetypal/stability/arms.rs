//! What is compared: the model that was asked for, and the baselines that tell where its stability comes from.

use archetypal::{
    Device, Result,
    recipe::{Given, Ingredients, Preset, Recipe},
    sae::{ModelKind, ModelSettings, Sae, Start},
};
use serde::{Deserialize, Serialize};

/// A kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The archetypal model that was asked for.
    Archetypal,
    /// The same, W and R free to go anywhere: what the hull itself is worth.
    WithoutProjection,
    /// A free dictionary that starts at the points, with the same encoder at the start: what the shared start is worth.
    FreeMatched,
    /// A free dictionary that starts at the points, with a random encoder.
    FreeAtPoints,
    /// A free dictionary from random atoms.
    FreeRandom,
}

/// Whose points the seeds have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Points {
    /// Each seed its own.
    Independent,
    /// All those of the first seed.
    Shared,
    /// None.
    None,
}

/// A kind of model with points of a kind: a line of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    pub kind: Kind,
    pub points: Points,
}

impl Kind {
    /// Its name in tables and plots.
    pub fn title(self) -> &'static str {
        match self {
            Self::Archetypal => "archetypal",
            Self::WithoutProjection => "archetypal, projection off",
            Self::FreeMatched => "free, from points, matched encoder",
            Self::FreeAtPoints => "free, from points",
            Self::FreeRandom => "free, from random atoms",
        }
    }
}

impl Points {
    pub fn title(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Shared => "shared",
            Self::None => "–",
        }
    }
}

impl Arm {
    /// Its name in those of files.
    pub fn file_name(self) -> String {
        let title = format!("{} {}", self.kind.title(), self.points.title());
        let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// All lines of the report, in its order.
pub fn all(baselines: bool, independent: bool, shared: bool) -> Vec<Arm> {
    let mut arms = Vec::new();
    for (points, wanted) in [(Points::Independent, independent), (Points::Shared, shared)] {
        if wanted {
            arms.push(Arm { kind: Kind::Archetypal, points });
        }
        if wanted && baselines {
            let kinds = [Kind::WithoutProjection, Kind::FreeMatched, Kind::FreeAtPoints];
            arms.extend(kinds.map(|kind| Arm { kind, points }));
        }
    }
    if baselines {
        arms.push(Arm { kind: Kind::FreeRandom, points: Points::None });
    }
    arms
}

/// What all arms have in common.
pub struct Asked<'a> {
    pub preset: Preset,
    pub model: &'a ModelSettings,
    pub given: &'a Given,
    /// The recipe of what was asked for.
    pub recipe: &'a Recipe,
}

impl Asked<'_> {
    /// The recipe of a kind: the same sizes, codes, learning rates, epochs and batches for all.
    pub fn recipe_of(&self, kind: Kind, data: &Ingredients) -> Result<Recipe> {
        let free = match self.model.model.unwrap_or_default() {
            _ if matches!(kind, Kind::Archetypal | Kind::WithoutProjection) => {
                return Ok(self.recipe.clone());
            }
            ModelKind::RaJump | ModelKind::Jump => ModelKind::Jump,
            ModelKind::RaBatchTopK | ModelKind::BatchTopK => ModelKind::BatchTopK,
            ModelKind::RaTopK | ModelKind::TopK => ModelKind::TopK,
        };
        let matched = kind == Kind::FreeMatched;
        let model = ModelSettings {
            model: Some(free),
            delta: None,
            delta_relative: None,
            // A matched start leaves part of the scale to the multiplier.
            multiplier: matched,
            no_multiplier: false,
            ..self.model.clone()
        };
        let (rows, width) = (data.source.rows(), data.source.width());
        // Factors are those of archetypal models; the free one has some of their groups.
        let mut given = self.given.clone();
        let factors = given.remove("lr_factors").map(|_| &self.recipe.training.lr_factors);
        let mut recipe = Recipe::new(self.preset, &model, &given, None, rows, width)?;
        recipe.training.start = match matched {
            true => self.recipe.training.start,
            false => Start::Reference,
        };
        if matched {
            recipe.training.beta2 = self.recipe.training.beta2;
            recipe.training.revive = self.recipe.training.revive;
        }
        let factors = if matched { Some(&self.recipe.training.lr_factors) } else { factors };
        if let Some(factors) = factors {
            recipe.training.lr_factors = factors.of_model(&recipe.model);
        }
        Ok(recipe)
    }

    /// The fresh model of a kind over these points (which those that have none leave alone).
    pub async fn model_of(
        &self,
        kind: Kind,
        device: &Device,
        data: &Ingredients,
        points: &[f32],
        seed: u64,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Sae> {
        let recipe = self.recipe_of(kind, data)?;
        let (k, d) = (recipe.model.nb_concepts, recipe.model.input_shape);
        let points = match kind {
            Kind::Archetypal | Kind::WithoutProjection => points.to_vec(),
            // Fewer points than atoms are used in turn.
            Kind::FreeMatched | Kind::FreeAtPoints => {
                points.iter().copied().cycle().take(k * d).collect()
            }
            Kind::FreeRandom => Vec::new(),
        };
        let mut sae = recipe.sae(device, data, points, seed, on_progress).await?;
        if kind == Kind::WithoutProjection {
            sae.release();
        }
        Ok(sae)
    }
}
