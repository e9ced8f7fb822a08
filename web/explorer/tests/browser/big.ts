import { writeSafetensors } from '../../src/atlas/write.ts';

/** An atlas of 300 000 texts, more than an element can be high, and 10 000 concepts. Its files are made up when they are asked for. */
const ROWS = 300_000;
const CONCEPTS = 10_000;
const POINTS = 1000;
const WIDTH = 64;
const CODES = 8;
const CHUNKS = { details: 128, codes: 4096, rows: 1024, atoms: 128, examples: 4096 };

/** Numbers in [0, 1) that look random and depend on two others only. */
const noise = (a: number, b: number) => {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453;
  return x - Math.floor(x);
};
const f32 = (shape: number[], of: (i: number) => number) => ({ shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => of(i)) });
const u32 = (shape: number[], of: (i: number) => number) => ({ shape, values: Uint32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => of(i)) });
const row = (a: number, b: number) => Math.floor(noise(a, b) * ROWS);

const manifest = {
  format: 1,
  title: 'big',
  kind: 'texts',
  rows: ROWS,
  width: WIDTH,
  concepts: CONCEPTS,
  points: POINTS,
  grid: null,
  examples: ROWS,
  labels: ['even', 'odd'],
  model: {},
  training: null,
  figures: { rows: ROWS, r2: 0.5, l0: CODES, dead_share: 0 },
  delta: 1,
  chunks: CHUNKS,
  heat_scale: 255,
  files: { model: null, data: null, rows: true, examples: true },
};

function concepts() {
  const k = [CONCEPTS];
  return {
    energy: f32(k, (i) => noise(i, 1)),
    frequency: f32(k, (i) => 0.1 * noise(i, 2)),
    max: f32(k, () => 2),
    mean: f32(k, () => 1),
    purity: f32(k, (i) => noise(i, 3)),
    label: u32(k, (i) => i % 2),
    best_row: u32(k, (i) => row(i, 4)),
    xy: f32([CONCEPTS, 2], (i) => noise(i, 5) * 10),
    entropy: f32(k, (i) => noise(i, 6) * 3),
    relaxation: f32(k, (i) => noise(i, 7)),
  };
}

function details(first: number) {
  const c = Math.min(CHUNKS.details, CONCEPTS - first);
  return {
    top_rows: u32([c, 24], (i) => row(first * 24 + i, 8)),
    top_values: f32([c, 24], (i) => 2 - (i % 24) / 24),
    quantile_rows: u32([c, 5, 6], (i) => row(first * 30 + i, 9)),
    quantile_values: f32([c, 5, 6], (i) => 2 - (i % 30) / 15),
    histogram: u32([c, 32], (i) => i % 32),
    near: u32([c, 12], (i) => (first + i) % CONCEPTS),
    near_cosine: f32([c, 12], (i) => 1 - (i % 12) / 12),
    with: u32([c, 12], (i) => (first + 7 * i) % CONCEPTS),
    with_overlap: f32([c, 12], (i) => 1 - (i % 12) / 12),
    points: u32([c, 12], (i) => i % POINTS),
    weights: f32([c, 12], (i) => (i % 12 < 4 ? 0.25 : 0)),
  };
}

function codes(first: number) {
  const rows = Math.min(CHUNKS.codes, ROWS - first);
  return {
    indptr: u32([rows + 1], (i) => i * CODES),
    indices: u32([rows * CODES], (i) => (first + i * 13) % CONCEPTS),
    values: f32([rows * CODES], (i) => noise(i, 10)),
  };
}

function examples(first: number): string {
  const count = Math.min(CHUNKS.examples, ROWS - first);
  return JSON.stringify(Array.from({ length: count }, (_, i) => ({ text: `text number ${first + i}`, label: i % 2 ? 'odd' : 'even' })));
}

/** A file of the atlas, or undefined. */
export function bigFile(name: string): Uint8Array | string | undefined {
  const chunk = Number(/\/(\d+)\./.exec(name)?.[1] ?? 0);
  if (name === 'manifest.json') return JSON.stringify(manifest);
  if (name === 'concepts.safetensors') return writeSafetensors(concepts());
  if (name === 'points.safetensors') {
    return writeSafetensors({
      xy: f32([POINTS, 2], (i) => noise(i, 11) * 10),
      weight: f32([POINTS], () => 10),
      near_rows: u32([POINTS, 6], (i) => row(i, 12)),
      near_distance: f32([POINTS, 6], (i) => i % 6),
    });
  }
  if (name === 'rows_xy.safetensors') {
    return writeSafetensors({
      xy: f32([2000, 2], (i) => noise(i, 13) * 10),
      row: u32([2000], (i) => i * 50),
      axes: f32([2, WIDTH], () => 0),
      mean: f32([WIDTH], () => 0),
      explained: f32([2], () => 0.1),
    });
  }
  if (name.startsWith('details/')) return writeSafetensors(details(chunk * CHUNKS.details));
  if (name.startsWith('codes/')) return writeSafetensors(codes(chunk * CHUNKS.codes));
  if (name.startsWith('rows/')) return writeSafetensors({ x: f32([Math.min(CHUNKS.rows, ROWS - chunk * CHUNKS.rows), WIDTH], (i) => noise(i, chunk)) });
  if (name.startsWith('atoms/')) return writeSafetensors({ atoms: f32([Math.min(CHUNKS.atoms, CONCEPTS - chunk * CHUNKS.atoms), WIDTH], (i) => noise(i, chunk) / 8) });
  if (name.startsWith('examples/')) return examples(chunk * CHUNKS.examples);
  return undefined;
}
