//! All that the explorer page shows of a model, for JavaScript.

use super::{JsResult, data::Data, model::Model, options::Options};
use crate::{
    data::{Example, Loader, Shuffle},
    error::Result,
    explore::atlas::{About, AtlasProgress, Kind, Sink, atlas},
};
use js_sys::{Function, Map, Uint8Array};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Rows that are encoded at once.
const BATCH: usize = 1024;

/// The files, in JavaScript's memory.
struct Memory(Map);

impl Sink for Memory {
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.0.set(&name.into(), &Uint8Array::from(bytes.as_slice()));
        Ok(())
    }
}

#[wasm_bindgen]
impl Model {
    /// The files of `docs/atlas.md` by their names. The options are `title`, `kind`, and `labels`, one an example or null.
    /// `on_progress(done, of, stage)` hears how far each stage is.
    pub async fn atlas(
        &mut self,
        data: Data,
        options: String,
        on_progress: Option<Function>,
    ) -> JsResult<Map> {
        let mut options = Options::parse(&options)?;
        let title: Option<String> = options.take("title")?;
        let kind: Option<Kind> = options.take("kind")?;
        let labels: Option<Vec<Option<String>>> = options.take("labels")?;
        options.finish()?;
        let cells = data.grid.map_or(1, |grid| grid.cells());
        let examples = examples(kind.unwrap_or(Kind::Rows), labels, data.source.rows() / cells);
        let training = self.trained.clone();
        let grid = data.grid;
        let name = title.unwrap_or_else(|| data.name());
        let about =
            About { examples: &examples, grid, training: training.as_ref(), ..About::new(&name) };
        let sae = self.applied()?;
        let normalizer = Arc::new(sae.normalizer().clone());
        let loader = Loader::new(data.source, normalizer, Shuffle::none(), BATCH)?;
        let mut tell = |progress: AtlasProgress| {
            if let Some(tell) = &on_progress {
                let stage = format!("{:?}", progress.stage).to_lowercase();
                // What it throws is its own affair.
                let (done, of) = (progress.done.into(), progress.total.into());
                let _ = tell.call3(&JsValue::UNDEFINED, &done, &of, &stage.into());
            }
        };
        let mut files = Memory(Map::new());
        atlas(sae, &loader, &about, &mut files, &mut tell).await?;
        Ok(files.0)
    }
}

/// An example for each label, of which the page knows the rest; none where nothing is known.
fn examples(kind: Kind, labels: Option<Vec<Option<String>>>, count: usize) -> Vec<Example> {
    if kind == Kind::Rows && labels.is_none() {
        return Vec::new();
    }
    let labels = labels.unwrap_or_else(|| vec![None; count]);
    let example = |label| Example {
        image: (kind == Kind::Images).then(String::new),
        text: (kind == Kind::Texts).then(String::new),
        label,
        name: None,
    };
    labels.into_iter().map(example).collect()
}
