import { parseHeader } from '../atlas/safetensors.ts';
import type { Example } from '../atlas/atlas.ts';

/** Files of the visitor's own, by what they are. */
export interface Own {
  data: File | null;
  examples: { file: File; items: Example[] } | null;
  pictures: Map<string, File>;
  /** A trained model to look at the data with, instead of training one. */
  model: File | null;
  /** Matrices in the data file, where it holds several. */
  tensors: string[];
}

export const NOTHING: Own = { data: null, examples: null, pictures: new Map(), model: null, tensors: [] };

const PICTURE = /\.(png|jpe?g|webp|gif|avif|bmp|svg)$/i;

/** Sorts files into what there is already; new ones take the place of old ones. */
export async function sortFiles(before: Own, files: File[]): Promise<Own> {
  const own: Own = { ...before, pictures: new Map(before.pictures) };
  for (const file of files) {
    if (PICTURE.test(file.name)) own.pictures.set(file.name, file);
    else if (/\.jsonl$/i.test(file.name)) own.examples = { file, items: parseExamples(file.name, await file.text()) };
    else if (/\.npy$/i.test(file.name)) Object.assign(own, { data: file, tensors: [] });
    else if (/\.safetensors$/i.test(file.name)) await sortTensors(own, file);
    else throw new Error(`${file.name}: give activations as .npy or .safetensors, examples as .jsonl, and pictures.`);
  }
  return own;
}

/** A model is known by its settings, or by the name of its dictionary; anything else is data. */
async function sortTensors(own: Own, file: File): Promise<void> {
  const { entries, metadata } = parseHeader(file.name, await headerOf(file));
  const names = entries.map(([name]) => name);
  if ('archetypal' in metadata || names.some((name) => name.startsWith('dictionary.'))) {
    own.model = file;
    return;
  }
  own.data = file;
  own.tensors = entries.filter(([, entry]) => entry.shape.length === 2).map(([name]) => name);
}

/** The start of a file, with its whole header but padded so that it reads as one. */
async function headerOf(file: File): Promise<ArrayBuffer> {
  const start = await file.slice(0, 8).arrayBuffer();
  if (start.byteLength < 8) return start;
  const length = Number(new DataView(start).getBigUint64(0, true));
  return file.slice(0, 8 + Math.min(length, 1e8)).arrayBuffer();
}

/** One JSON object a line. */
export function parseExamples(name: string, text: string): Example[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .flatMap((line, i) => (line ? [parseLine(name, line, i + 1)] : []));
}

function parseLine(name: string, line: string, number: number): Example {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${name}, line ${number}: not JSON. Each line is one object, such as {"text": "…", "label": "…"}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name}, line ${number}: not an object. Each line is one, such as {"text": "…", "label": "…"}.`);
  }
  const { text, image, label, name: called } = value as Record<string, unknown>;
  const word = (given: unknown) => (typeof given === 'string' ? given : undefined);
  // As the command takes them: classes are often numbered.
  const wordOrNumber = (given: unknown) => (typeof given === 'number' ? String(given) : word(given));
  return { text: word(text), image: word(image), label: wordOrNumber(label), name: wordOrNumber(called) };
}

/** The examples as the atlas has them: pictures under the names of their files; one a picture if nothing else is given. */
export function examplesOf(own: Own): Example[] {
  const base = (path: string) => path.split('/').at(-1)!;
  if (own.examples) {
    return own.examples.items.map((item) => (item.image ? { ...item, image: base(item.image), name: item.name ?? base(item.image) } : item));
  }
  const names = [...own.pictures.keys()].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  return names.map((name) => ({ image: name, name: name.replace(/\.[^.]+$/, '') }));
}

export function kindOf(examples: Example[]): 'images' | 'texts' | 'rows' {
  if (!examples.length) return 'rows';
  return examples.some(({ image }) => image !== undefined) ? 'images' : 'texts';
}

/** A square grid that makes `rows` rows out of so many examples, if there is one. */
export function squareGrid(rows: number, examples: number): [number, number] | undefined {
  const side = examples > 0 ? Math.sqrt(rows / examples) : 0;
  return side > 1 && Number.isInteger(side) ? [side, side] : undefined;
}

/** "7x7" or "7×7" as height and width; undefined for nothing. */
export function parseGrid(text: string): [number, number] | undefined {
  if (!text.trim()) return undefined;
  const found = /^\s*(\d+)\s*[x×]\s*(\d+)\s*$/.exec(text);
  if (!found || !Number(found[1]) || !Number(found[2])) throw new Error(`The grid “${text}” is not height × width, as in 7x7.`);
  return [Number(found[1]), Number(found[2])];
}

/** What does not fit together, in words. */
export function checkExamples(rows: number, grid: [number, number] | null, examples: number): void {
  const cells = grid ? grid[0] * grid[1] : 1;
  if (rows % cells) throw new Error(`${rows} rows are no whole number of grids of ${cells} cells.`);
  if (examples && examples !== rows / cells) {
    throw new Error(
      `There are ${examples} examples for ${rows} rows${grid ? ` of ${cells} cells each` : ''}: there should be ${rows / cells}. ` +
        'Give one line of the .jsonl, or one picture, for each, and the grid if rows are the cells of pictures.',
    );
  }
}
