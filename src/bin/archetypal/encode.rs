//! `archetypal encode`.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    eval,
    failure::{Failure, Outcome},
    interrupt,
    options::{self, DataArgs},
    output, text,
};
use archetypal::{
    Tensor,
    data::{Source, StreamSpec, StreamWriter, Values},
    device::Codes,
    sae::{Activations, Sae, SaeSettings, Selection},
};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// The metadata key of a codes file.
pub const METADATA_KEY: &str = "archetypal_codes";

const LONG_ABOUT: &str = "\
Write the codes of activations to a file

The SAE's own normalisation is applied to the rows. For topk and ra-topk the file holds `indices` [n, k] u32, `values` [n, k] \
f32 and `counts` [n] u32: row i has counts[i] codes, the places after them are 0. For the others it holds CSR: `indptr` \
[n + 1] i64, `indices` u32 and `values` f32. A dense file (--dense) has `codes` [n, K] f32 instead. Rows are in the order \
of the files.";

/// Write the codes of activations to a file
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    sae: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Where the codes go, a .safetensors file
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Write every code, zeros too, as `codes` [n, K] f32 [default: only those that are not zero]
    #[arg(long)]
    dense: bool,
    #[command(flatten)]
    overrides: OverrideArgs,
}

/// How codes are laid out in the file.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Layout {
    /// `indices`, `values` [n, k] and `counts` [n].
    TopK,
    /// `indptr` [n + 1], `indices`, `values`.
    Csr,
    /// `codes` [n, K].
    Dense,
}

/// What the codes are of: the metadata of their file, and what `--json` prints.
#[derive(Serialize)]
struct Made<'a> {
    layout: Layout,
    rows: usize,
    /// Codes that are not zero.
    entries: u64,
    sae: String,
    model: &'a SaeSettings,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    interrupt::install()?;
    options::check_output(&args.out, &args.data, &[&args.sae])?;
    let file = checkpoint::open(&args.sae)?;
    let data = args.data.open()?;
    let device = context.device().await?;
    let sae = checkpoint::model(&file, &device, &args.overrides)?;
    args.data.check_width(&*data, sae.settings().input_shape, &args.sae)?;

    let loader = eval::pass_loader(&sae, data.clone())?;
    let mut writer = Writer::create(&args, &sae, data.rows())?;
    let task = context.reporter.task("encode", data.rows() as u64);
    let mut batches = loader.in_order()?;
    let mut done = 0;
    interrupt::listen();
    while let Some(batch) = batches.next() {
        let batch = batch?;
        let rows = batch.rows.len();
        let x = Tensor::from_slice(&device, rows, data.width(), &batch.data)?;
        writer.append(&device, sae.encode_tensor(&x)?.codes).await?;
        batches.recycle(batch);
        done += rows as u64;
        task.at(done);
        if interrupt::requested() {
            let message =
                format!("stopped after {done} rows; {} was not written", args.out.display());
            return Err(Failure::Interrupted(message));
        }
    }
    let (layout, entries) = (writer.layout, writer.entries);
    writer.file.finish()?;
    task.done(&format!("{} rows", text::count(done)));
    report(context, &args, &Made { layout, entries, ..made(&args, &sae, layout, data.rows()) })
}

fn made<'a>(args: &Args, sae: &'a Sae, layout: Layout, rows: usize) -> Made<'a> {
    let name = args.sae.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Made { layout, rows, entries: 0, sae: name, model: sae.settings() }
}

fn report(context: &Context, args: &Args, made: &Made<'_>) -> Outcome {
    if context.common.json {
        return output::print_json(made);
    }
    let l0 = made.entries as f64 / made.rows as f64;
    output::print(&format!(
        "{}: codes of {} rows, {} of {} concepts a row\n",
        args.out.display(),
        text::count(made.rows as u64),
        text::figure(l0),
        made.model.nb_concepts
    ))
}

/// The file of codes in the making.
struct Writer {
    file: StreamWriter,
    layout: Layout,
    entries: u64,
}

impl Writer {
    fn create(args: &Args, sae: &Sae, rows: usize) -> Outcome<Self> {
        let n = Some(rows);
        let (layout, specs) = match sae.settings().selection {
            _ if args.dense => {
                let concepts = sae.settings().nb_concepts;
                (Layout::Dense, vec![StreamSpec::f32("codes", n, &[concepts])])
            }
            Selection::TopK { k } => (
                Layout::TopK,
                vec![
                    StreamSpec::u32("indices", n, &[k]),
                    StreamSpec::f32("values", n, &[k]),
                    StreamSpec::u32("counts", n, &[]),
                ],
            ),
            Selection::Jump { .. } | Selection::BatchTopK { .. } => (
                Layout::Csr,
                vec![
                    StreamSpec::i64("indptr", Some(rows + 1), &[]),
                    StreamSpec::u32("indices", None, &[]),
                    StreamSpec::f32("values", None, &[]),
                ],
            ),
        };
        let json = serde_json::to_value(made(args, sae, layout, rows)).map(|mut made| {
            // Known only at the end, when the header is written already.
            made.as_object_mut().map(|fields| fields.remove("entries"));
            made.to_string()
        });
        let json = json.expect("settings are plain data");
        let metadata = BTreeMap::from([(METADATA_KEY.to_owned(), json)]);
        let mut file = StreamWriter::create(&args.out, specs, metadata)?;
        if let Layout::Csr = layout {
            file.append("indptr", Values::I64(&[0]))?;
        }
        Ok(Self { file, layout, entries: 0 })
    }

    async fn append(&mut self, device: &archetypal::Device, codes: Activations) -> Outcome {
        match (self.layout, codes) {
            (Layout::TopK, Activations::Sparse(codes)) => self.append_top_k(&codes).await,
            (Layout::Dense, codes) => {
                let values = codes.into_dense(device)?.read().await?;
                self.entries += values.iter().filter(|&&value| value != 0.0).count() as u64;
                Ok(self.file.append("codes", Values::F32(&values))?)
            }
            (_, codes) => {
                let rows = codes.rows().await?;
                let before = self.entries as i64;
                let indptr: Vec<i64> =
                    rows.indptr[1..].iter().map(|&end| before + end as i64).collect();
                self.entries += rows.values.len() as u64;
                self.file.append("indptr", Values::I64(&indptr))?;
                self.file.append("indices", Values::U32(&rows.indices))?;
                Ok(self.file.append("values", Values::F32(&rows.values))?)
            }
        }
    }

    async fn append_top_k(&mut self, codes: &Codes) -> Outcome {
        let counts = codes.counts.read().await?;
        let mut indices = codes.indices.read().await?;
        let mut values = codes.values.read().await?;
        let rows = indices.chunks_exact_mut(codes.width());
        for ((indices, values), &count) in
            rows.zip(values.chunks_exact_mut(codes.width())).zip(&counts)
        {
            // What a device leaves in unused places is its own affair.
            indices[count as usize..].fill(0);
            values[count as usize..].fill(0.0);
        }
        self.entries += counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        self.file.append("indices", Values::U32(&indices))?;
        self.file.append("values", Values::F32(&values))?;
        Ok(self.file.append("counts", Values::U32(&counts))?)
    }
}
