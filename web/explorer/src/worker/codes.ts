import type { Data, Sae } from 'archetypal';

/** Rows that are encoded at once. */
export const ROWS_AT_ONCE = 2048;
export const NONE = 4294967295;

/** Runs `take` over the codes of all rows, some rows at a time. */
export async function eachCodes(
  sae: Sae,
  data: Data,
  take: (codes: { indptr: Uint32Array; indices: Uint32Array; values: Float32Array }, first: number) => void,
): Promise<void> {
  for (let first = 0; first < data.rows; first += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, data.rows - first);
    take(await sae.encodeSparse(data.read(first, count)), first);
  }
}

/** Rows that an atom is shown by. */
export const BEST = 3;

/** The rows that make each atom fire most, at most one an example, [K, 3]. */
export async function bestRows(sae: Sae, data: Data): Promise<Uint32Array> {
  const cells = data.grid ? data.grid[0] * data.grid[1] : 1;
  const rows = new Uint32Array(sae.nbConcepts * BEST).fill(NONE);
  const best = new Float32Array(sae.nbConcepts * BEST);
  await eachCodes(sae, data, ({ indptr, indices, values }, first) => {
    for (let row = 0; row + 1 < indptr.length; row++) {
      for (let at = indptr[row]; at < indptr[row + 1]; at++) offer(rows, best, indices[at] * BEST, first + row, values[at], cells);
    }
  });
  return rows;
}

/** Puts a row among the best of an atom, if it belongs there; of an example only its best row stays. */
function offer(rows: Uint32Array, best: Float32Array, from: number, row: number, value: number, cells: number): void {
  const example = Math.floor(row / cells);
  let slot = BEST - 1;
  for (let i = 0; i < BEST; i++) {
    if (rows[from + i] !== NONE && Math.floor(rows[from + i] / cells) === example) slot = i;
  }
  if (value <= best[from + slot]) return;
  best[from + slot] = value;
  rows[from + slot] = row;
  for (let i = slot; i > 0 && best[from + i] > best[from + i - 1]; i--) {
    [best[from + i], best[from + i - 1]] = [best[from + i - 1], best[from + i]];
    [rows[from + i], rows[from + i - 1]] = [rows[from + i - 1], rows[from + i]];
  }
}
