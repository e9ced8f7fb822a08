import { UMAP } from 'umap-js';

/** What the page sends: vectors, [count, width]. */
export interface UmapRequest {
  vectors: Float32Array;
  width: number;
  seed: number;
}

/** What comes back: progress, then two coordinates a vector, or what went wrong. */
export type UmapAnswer = { done: number; of: number } | { xy: Float32Array } | { failed: string };

/** Epochs between two messages. */
const REPORT_EVERY = 10;

/** A small generator of numbers in [0, 1), so that the same atoms give the same map. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Rows of unit length: Euclidean distance then orders them as the cosine does. */
function unitRows({ vectors, width }: UmapRequest): number[][] {
  return Array.from({ length: vectors.length / width }, (_, i) => {
    const row = Array.from(vectors.subarray(i * width, (i + 1) * width));
    const norm = Math.hypot(...row) || 1;
    return row.map((value) => value / norm);
  });
}

function embed(request: UmapRequest): Float32Array {
  const rows = unitRows(request);
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: Math.min(15, Math.max(2, rows.length - 1)),
    minDist: 0.15,
    random: mulberry(request.seed),
  });
  const epochs = umap.initializeFit(rows);
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    if (epoch % REPORT_EVERY === 0) postMessage({ done: epoch, of: epochs } satisfies UmapAnswer);
  }
  return Float32Array.from(umap.getEmbedding().flat());
}

addEventListener('message', ({ data }: MessageEvent<UmapRequest>) => {
  try {
    postMessage({ xy: embed(data) } satisfies UmapAnswer);
  } catch (error) {
    postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies UmapAnswer);
  }
});
