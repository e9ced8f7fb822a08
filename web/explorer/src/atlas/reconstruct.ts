import type { Codes } from './atlas.ts';

/** How strongly a concept takes part in an example. */
export interface Part {
  concept: number;
  /** Σ of its codes over the cells. */
  sum: number;
  /** Its code in each cell. */
  byCell: Float32Array;
}

/** Concepts of an example, the largest sum first. */
export function partsOf(codes: Codes): Part[] {
  const cells = codes.indptr.length - 1;
  const parts = new Map<number, Part>();
  for (let cell = 0; cell < cells; cell++) {
    for (let at = codes.indptr[cell]; at < codes.indptr[cell + 1]; at++) {
      const concept = codes.indices[at];
      let part = parts.get(concept);
      if (!part) parts.set(concept, (part = { concept, sum: 0, byCell: new Float32Array(cells) }));
      part.sum += codes.values[at];
      part.byCell[cell] += codes.values[at];
    }
  }
  return [...parts.values()].sort((a, b) => b.sum - a.sum || a.concept - b.concept);
}

/** The strongest of `among` in each cell: its position there, -1 where none fires. */
export function dominant(among: Part[], cells: number): Int32Array {
  const best = new Int32Array(cells).fill(-1);
  for (let cell = 0; cell < cells; cell++) {
    let most = 0;
    among.forEach((part, i) => {
      if (part.byCell[cell] > most) {
        most = part.byCell[cell];
        best[cell] = i;
      }
    });
  }
  return best;
}

export interface Fit {
  /** ‖x − x̂‖² / ‖x‖² of each cell. */
  error: Float32Array;
  /** 1 − Σ‖x − x̂‖² / Σ‖x‖²: rows are normalised, so their mean is near 0. */
  r2: number;
}

/** How well the concepts that are not `off` give the rows back. */
export function reconstruct(x: Float32Array, width: number, parts: Part[], atoms: Float32Array[], off: Set<number>): Fit {
  const cells = x.length / width;
  const error = new Float32Array(cells);
  let residual = 0;
  let energy = 0;
  const rest = new Float64Array(width);
  for (let cell = 0; cell < cells; cell++) {
    rest.set(x.subarray(cell * width, (cell + 1) * width));
    const whole = squared(rest);
    parts.forEach((part, i) => {
      const code = part.byCell[cell];
      if (code === 0 || off.has(part.concept)) return;
      const atom = atoms[i];
      for (let j = 0; j < width; j++) rest[j] -= code * atom[j];
    });
    const left = squared(rest);
    error[cell] = whole > 0 ? left / whole : 0;
    residual += left;
    energy += whole;
  }
  return { error, r2: energy > 0 ? 1 - residual / energy : 0 };
}

function squared(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
