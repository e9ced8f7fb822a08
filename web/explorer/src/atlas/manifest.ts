/** manifest.json: the first file that is read. */
export interface Manifest {
  format: number;
  title: string;
  kind: 'images' | 'texts' | 'rows';
  rows: number;
  width: number;
  concepts: number;
  points: number | null;
  /** Height, width. */
  grid: [number, number] | null;
  examples: number;
  labels: string[];
  model: Record<string, unknown>;
  training: Record<string, unknown> | null;
  figures: Figures;
  delta: number | null;
  chunks: Record<'details' | 'codes' | 'rows' | 'atoms' | 'examples', number>;
  heat_scale: number;
  files: { model: string | null; data: string | null; rows: boolean; examples: boolean };
}

export interface Figures {
  r2?: number | null;
  mse?: number;
  l0?: number;
  dead_share?: number;
  coherence?: number;
  ood?: number;
  multiplier?: number;
  [name: string]: unknown;
}

/** An entry that does not exist. */
export const MISSING = 4294967295;
/** The only layout that this page reads. */
const FORMAT = 1;

export function parseManifest(buffer: ArrayBuffer): Manifest {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(new TextDecoder().decode(buffer)) as Manifest;
  } catch {
    throw new Error('manifest.json is not JSON: there is no atlas at this address.');
  }
  if (manifest.format !== FORMAT) {
    throw new Error(`The atlas has format ${String(manifest.format)}; this page reads format ${FORMAT}.`);
  }
  return manifest;
}

/** Cells of an example: rows that belong together. */
export function cellsOf(manifest: Manifest): number {
  return manifest.grid ? manifest.grid[0] * manifest.grid[1] : 1;
}
