//! Activations that JavaScript brings along.

use super::JsResult;
use crate::{
    data::{Grid, InMemory, MatrixFile, Source},
    error::{Error, Result},
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A matrix [rows, width], kept as it came.
#[wasm_bindgen]
#[derive(Clone)]
pub struct Data {
    pub(super) source: Arc<dyn Source>,
    name: String,
    pub(super) grid: Option<Grid>,
}

#[wasm_bindgen]
impl Data {
    /// From values row by row; `grid` is the height and width of a picture in rows, or empty.
    #[wasm_bindgen(js_name = fromArray)]
    pub fn from_array(
        name: String,
        values: Vec<f32>,
        width: usize,
        grid: &[u32],
    ) -> JsResult<Data> {
        let source = InMemory::new(name.clone(), width, values)?;
        let grid = match *grid {
            [] => None,
            [height, width] => Some(format!("{height}x{width}").parse()?),
            _ => {
                return Err(
                    Error::setting("grid", format!("{grid:?}"), "[height, width]", "").into()
                );
            }
        };
        Ok(Self::new(name, Arc::new(source), grid)?)
    }

    /// From the bytes of a `.npy` or `.safetensors` file.
    #[wasm_bindgen(js_name = fromBytes)]
    pub fn from_bytes(name: String, bytes: Vec<u8>, tensor: Option<String>) -> JsResult<Data> {
        let file = MatrixFile::from_bytes(&name, bytes, tensor.as_deref())?;
        let grid = file.metadata().get("grid").map(|grid| grid.parse()).transpose()?;
        Ok(Self::new(name, Arc::new(file), grid)?)
    }

    fn new(name: String, source: Arc<dyn Source>, grid: Option<Grid>) -> Result<Self> {
        match grid {
            Some(grid) if !source.rows().is_multiple_of(grid.cells()) => Err(Error::setting(
                "grid",
                grid,
                format!("one whose {} cells divide the {} rows", grid.cells(), source.rows()),
                "Each cell of a picture is a row of the data.",
            )),
            _ => Ok(Self { source, name, grid }),
        }
    }

    /// Another handle to the same data, to be given away to a call: this one may then be freed meanwhile.
    pub fn share(&self) -> Data {
        self.clone()
    }

    /// Rows.
    #[wasm_bindgen(getter)]
    pub fn rows(&self) -> usize {
        self.source.rows()
    }

    /// Values in a row.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.source.width()
    }

    /// What it is called in messages.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Height and width of a picture in rows, or empty.
    #[wasm_bindgen(getter)]
    pub fn grid(&self) -> Vec<u32> {
        self.grid.map_or(Vec::new(), |grid| vec![grid.height as u32, grid.width as u32])
    }

    /// `count` raw rows from `start`.
    pub fn read(&self, start: usize, count: usize) -> JsResult<Vec<f32>> {
        let rows = self.source.rows();
        if start.checked_add(count).is_none_or(|end| end > rows) {
            let got = format!("{start} and the {count} after it");
            return Err(Error::setting("rows", got, format!("within the {rows} rows"), "").into());
        }
        let mut values = vec![0.0; count * self.source.width()];
        if count > 0 {
            self.source.read_range(start, &mut values)?;
        }
        Ok(values)
    }
}
