import { MISSING } from './manifest.ts';
import { pick, type Table } from './safetensors.ts';

/** One value a concept. */
export interface ConceptTable {
  count: number;
  energy: Float32Array;
  frequency: Float32Array;
  max: Float32Array;
  mean: Float32Array;
  purity: Float32Array;
  label: Uint32Array;
  bestRow: Uint32Array;
  xy: Float32Array;
  entropy: Float32Array;
  relaxation: Float32Array;
}

export function readConcepts(table: Table): ConceptTable {
  const f32 = (name: string) => pick('concepts.safetensors', table, name, 'f32');
  const u32 = (name: string) => pick('concepts.safetensors', table, name, 'u32');
  const energy = f32('energy');
  return {
    count: energy.length,
    energy,
    frequency: f32('frequency'),
    max: f32('max'),
    mean: f32('mean'),
    purity: f32('purity'),
    label: u32('label'),
    bestRow: u32('best_row'),
    xy: f32('xy'),
    entropy: f32('entropy'),
    relaxation: f32('relaxation'),
  };
}

/** A row in which a concept fires. */
export interface Firing {
  row: number;
  value: number;
  /** Codes of the example's cells, 255 = the concept's largest; undefined without grid. */
  heat?: Uint8Array;
}

/** Another concept, and how it is related. */
export interface Neighbour {
  concept: number;
  value: number;
}

/** All there is to see of one concept. */
export interface Details {
  top: Firing[];
  /** Five fifths of the active codes, the highest first. */
  quantiles: Firing[][];
  histogram: Uint32Array;
  near: Neighbour[];
  together: Neighbour[];
  /** Mixing weights, largest first; undefined for a free dictionary. */
  points?: { point: number; weight: number }[];
}

export function readDetails(table: Table, file: string, at: number, cells: number): Details {
  const part = <T extends Float32Array | Uint32Array | Uint8Array>(values: T, width: number): T =>
    values.subarray(at * width, (at + 1) * width) as T;
  const width = (name: string) => table.tensors.get(name)?.shape[1] ?? 0;
  const heats = (name: string, count: number): Uint8Array | undefined =>
    table.tensors.has(name) ? part(pick(file, table, name, 'u8'), count * cells) : undefined;

  const tops = width('top_rows');
  const top = firings(
    part(pick(file, table, 'top_rows', 'u32'), tops),
    part(pick(file, table, 'top_values', 'f32'), tops),
    heats('top_heat', tops),
    cells,
  );
  const [fifths, each] = table.tensors.get('quantile_rows')?.shape.slice(1) ?? [0, 0];
  const rows = part(pick(file, table, 'quantile_rows', 'u32'), fifths * each);
  const values = part(pick(file, table, 'quantile_values', 'f32'), fifths * each);
  const heat = heats('quantile_heat', fifths * each);
  const quantiles = Array.from({ length: fifths }, (_, fifth) => {
    const [from, to] = [fifth * each, (fifth + 1) * each];
    return firings(rows.subarray(from, to), values.subarray(from, to), heat?.subarray(from * cells, to * cells), cells);
  });

  const related = (concepts: string, figures: string): Neighbour[] => {
    const count = width(concepts);
    const ids = part(pick(file, table, concepts, 'u32'), count);
    const figure = part(pick(file, table, figures, 'f32'), count);
    return present(ids).map((i) => ({ concept: ids[i], value: figure[i] }));
  };
  const details: Details = {
    top,
    quantiles,
    histogram: part(pick(file, table, 'histogram', 'u32'), width('histogram')),
    near: related('near', 'near_cosine'),
    together: related('with', 'with_overlap'),
  };
  if (table.tensors.has('points')) {
    details.points = related('points', 'weights').map(({ concept, value }) => ({ point: concept, weight: value }));
  }
  return details;
}

function firings(rows: Uint32Array, values: Float32Array, heat: Uint8Array | undefined, cells: number): Firing[] {
  return present(rows).map((i) => ({
    row: rows[i],
    value: values[i],
    heat: heat?.subarray(i * cells, (i + 1) * cells),
  }));
}

/** Positions of the entries that exist. */
function present(ids: Uint32Array): number[] {
  const found: number[] = [];
  ids.forEach((id, i) => {
    if (id !== MISSING) found.push(i);
  });
  return found;
}

/** Points of an archetypal model. */
export interface Points {
  count: number;
  xy: Float32Array;
  /** Σ of its mixing weights over all atoms. */
  weight: Float32Array;
  /** Rows nearest to a point, nearest first. */
  near(point: number): { row: number; distance: number }[];
}

export function readPoints(table: Table): Points {
  const file = 'points.safetensors';
  const weight = pick(file, table, 'weight', 'f32');
  const rows = pick(file, table, 'near_rows', 'u32');
  const distances = pick(file, table, 'near_distance', 'f32');
  const each = table.tensors.get('near_rows')!.shape[1];
  return {
    count: weight.length,
    xy: pick(file, table, 'xy', 'f32'),
    weight,
    near: (point) => {
      const from = point * each;
      return present(rows.subarray(from, from + each)).map((i) => ({ row: rows[from + i], distance: distances[from + i] }));
    },
  };
}

/** A sample of the data on the map's axes. */
export interface Backdrop {
  xy: Float32Array;
  rows: Uint32Array;
  /** Share of the variance on each axis. */
  explained: Float32Array;
}

export function readBackdrop(table: Table): Backdrop {
  const file = 'rows_xy.safetensors';
  return {
    xy: pick(file, table, 'xy', 'f32'),
    rows: pick(file, table, 'row', 'u32'),
    explained: pick(file, table, 'explained', 'f32'),
  };
}
