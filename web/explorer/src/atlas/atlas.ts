import { Cache } from './cache.ts';
import { filesFor, piecesOf } from './chunks.ts';
import { type ConceptTable, type Details, type Points, type Backdrop, readBackdrop, readConcepts, readDetails, readPoints } from './tables.ts';
import type { AtlasFiles } from './files.ts';
import { cellsOf, type Manifest, parseManifest } from './manifest.ts';
import { parseSafetensors, pick, type Table } from './safetensors.ts';

/** What stands for an example. */
export interface Example {
  text?: string;
  image?: string;
  label?: string | null;
  name?: string;
}

/** Sparse codes of some rows. */
export interface Codes {
  indptr: Uint32Array;
  indices: Uint32Array;
  values: Float32Array;
}

/** Tables are let go of, oldest first, beyond this many bytes. */
const CACHE_BYTES = 96 * 2 ** 20;

type Held = { table?: Table; examples?: Example[]; bytes: number };

/** One model on one data set, read piece by piece. */
export class Atlas {
  private readonly cache = new Cache<Held>(CACHE_BYTES, (held) => held.bytes);
  /** Each of them one file, never let go. */
  private readonly pointsCache = new Cache<Points | null>(Infinity, () => 0);
  private readonly backdropCache = new Cache<Backdrop>(Infinity, () => 0);

  private constructor(
    readonly files: AtlasFiles,
    readonly manifest: Manifest,
    readonly concepts: ConceptTable,
  ) {}

  /** Reads what is needed to show a list of concepts: two files. */
  static async open(files: AtlasFiles): Promise<Atlas> {
    const name = 'concepts.safetensors';
    const [manifest, concepts] = await Promise.all([files.get('manifest.json').then(parseManifest), files.get(name)]);
    return new Atlas(files, manifest, readConcepts(parseSafetensors(name, concepts)));
  }

  get cells(): number {
    return cellsOf(this.manifest);
  }

  /** How examples are shown: rows with a grid look like pictures without the picture. */
  get look(): 'images' | 'texts' | 'rows' {
    return this.manifest.kind === 'rows' && this.manifest.grid ? 'images' : this.manifest.kind;
  }

  get archetypal(): boolean {
    return this.manifest.points !== null;
  }

  exampleOf(row: number): number {
    return Math.floor(row / this.cells);
  }

  private async table(name: string): Promise<Table> {
    const held = await this.cache.get(name, async () => {
      const table = parseSafetensors(name, await this.files.get(name));
      return { table, bytes: table.bytes };
    });
    return held.table!;
  }

  /** All there is to see of one concept. */
  async details(concept: number): Promise<Details> {
    const chunk = this.manifest.chunks.details;
    const name = `details/${Math.floor(concept / chunk)}.safetensors`;
    return readDetails(await this.table(name), name, concept % chunk, this.cells);
  }

  /** Points of an archetypal model; null for a free dictionary. */
  points(): Promise<Points | null> {
    const name = 'points.safetensors';
    return this.pointsCache.get(name, async () =>
      this.archetypal ? readPoints(parseSafetensors(name, await this.files.get(name))) : null,
    );
  }

  /** A sample of the data on the map's axes. */
  backdrop(): Promise<Backdrop> {
    const name = 'rows_xy.safetensors';
    return this.backdropCache.get(name, async () => readBackdrop(parseSafetensors(name, await this.files.get(name))));
  }

  /** Whether anything is known of the examples. */
  get knowsExamples(): boolean {
    return this.manifest.kind !== 'rows' || this.manifest.files.examples;
  }

  /** A file of examples; none for data without. */
  async exampleChunk(file: number): Promise<Example[]> {
    if (!this.knowsExamples) return [];
    const name = `examples/${file}.json`;
    const held = await this.cache.get(name, async () => {
      const bytes = await this.files.get(name);
      return { examples: JSON.parse(new TextDecoder().decode(bytes)) as Example[], bytes: 3 * bytes.byteLength };
    });
    return held.examples!;
  }

  get exampleFiles(): number {
    return filesFor(this.manifest.examples, this.manifest.chunks.examples);
  }

  /** An example whose file is loaded, to show it without a flash of nothing. */
  peekExample(index: number): Example | undefined {
    const chunk = this.manifest.chunks.examples;
    return this.cache.peek(`examples/${Math.floor(index / chunk)}.json`)?.examples?.[index % chunk];
  }

  async example(index: number): Promise<Example> {
    const chunk = this.manifest.chunks.examples;
    return (await this.exampleChunk(Math.floor(index / chunk)))[index % chunk] ?? {};
  }

  /** Codes of `count` rows from `start`. */
  async codes(start: number, count: number): Promise<Codes> {
    const indptr = new Uint32Array(count + 1);
    const indices: Uint32Array[] = [];
    const values: Float32Array[] = [];
    let total = 0;
    for (const piece of piecesOf(start, count, this.manifest.chunks.codes)) {
      const name = `codes/${piece.file}.safetensors`;
      const table = await this.table(name);
      const ends = pick(name, table, 'indptr', 'u32');
      const [from, to] = [ends[piece.from], ends[piece.from + piece.count]];
      for (let row = 1; row <= piece.count; row++) indptr[piece.at + row] = total + ends[piece.from + row] - from;
      indices.push(pick(name, table, 'indices', 'u32').subarray(from, to));
      values.push(pick(name, table, 'values', 'f32').subarray(from, to));
      total += to - from;
    }
    return { indptr, indices: joinIndices(indices, total), values: joinValues(values, total) };
  }

  /** Normalised rows, [count, width]. */
  async rows(start: number, count: number): Promise<Float32Array> {
    const width = this.manifest.width;
    const out = new Float32Array(count * width);
    for (const piece of piecesOf(start, count, this.manifest.chunks.rows)) {
      const name = `rows/${piece.file}.safetensors`;
      const x = pick(name, await this.table(name), 'x', 'f32');
      out.set(x.subarray(piece.from * width, (piece.from + piece.count) * width), piece.at * width);
    }
    return out;
  }

  /** The atom of a concept, a view of the table. */
  async atom(concept: number): Promise<Float32Array> {
    const { width, chunks } = this.manifest;
    const name = `atoms/${Math.floor(concept / chunks.atoms)}.safetensors`;
    const at = (concept % chunks.atoms) * width;
    return pick(name, await this.table(name), 'atoms', 'f32').subarray(at, at + width);
  }

  /** All atoms, [K, width]. */
  async allAtoms(): Promise<Float32Array> {
    const { width, chunks, concepts } = this.manifest;
    const out = new Float32Array(concepts * width);
    for (let file = 0; file < filesFor(concepts, chunks.atoms); file++) {
      const name = `atoms/${file}.safetensors`;
      out.set(pick(name, await this.table(name), 'atoms', 'f32'), file * chunks.atoms * width);
    }
    return out;
  }
}

function joinIndices(parts: Uint32Array[], total: number): Uint32Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint32Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function joinValues(parts: Float32Array[], total: number): Float32Array {
  if (parts.length === 1) return parts[0];
  const out = new Float32Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
