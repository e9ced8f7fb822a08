import { fromHalf } from './half.ts';

/** The values of a tensor: f16 is widened to f32. */
export type Values = Float32Array | Uint32Array | Uint8Array;

export interface Tensor<T extends Values = Values> {
  shape: number[];
  values: T;
}

/** A .safetensors file: tensors by name, and the metadata. */
export interface Table {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
  /** Size of what it holds, for the bound of the cache. */
  bytes: number;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const WIDTHS: Record<string, number> = { F32: 4, U32: 4, U8: 1, F16: 2 };
const HEADER_LIMIT = 1e8;

/** Reads a whole file. Tensors are views into `buffer` where its alignment allows it. */
export function parseSafetensors(name: string, buffer: ArrayBuffer): Table {
  const { entries, metadata, start } = parseHeader(name, buffer);
  const tensors = new Map<string, Tensor>();
  let bytes = 0;
  for (const [tensor, entry] of entries) {
    const values = valuesOf(name, tensor, entry, buffer, start);
    bytes += values.byteLength;
    tensors.set(tensor, { shape: entry.shape, values });
  }
  return { tensors, metadata, bytes };
}

/** What a file says it holds, without looking at the values: any dtype is allowed. */
export function parseHeader(name: string, buffer: ArrayBuffer) {
  if (buffer.byteLength < 8) throw new Error(`${name} is no .safetensors file: it has only ${buffer.byteLength} bytes.`);
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  if (length > HEADER_LIMIT || 8 + length > buffer.byteLength) {
    throw new Error(`${name} is no .safetensors file, or it was cut off: its header claims ${length} bytes.`);
  }
  const header = readJson(name, new Uint8Array(buffer, 8, length));
  const { __metadata__: metadata = {}, ...rest } = header as Record<string, unknown>;
  const entries = Object.entries(rest as Record<string, Entry>);
  return { entries, metadata: metadata as Record<string, string>, start: 8 + length };
}

function readJson(name: string, bytes: Uint8Array): object {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as object;
  } catch {
    throw new Error(`${name} is no .safetensors file: its header is not JSON.`);
  }
}

function valuesOf(name: string, tensor: string, entry: Entry, buffer: ArrayBuffer, start: number): Values {
  const width = WIDTHS[entry.dtype];
  if (!width) throw new Error(`${name}: tensor ${tensor} has dtype ${entry.dtype}; F32, F16, U32 and U8 can be read.`);
  const [from, to] = entry.data_offsets;
  const count = entry.shape.reduce((a, b) => a * b, 1);
  if (to - from !== count * width || from < 0 || start + to > buffer.byteLength) {
    throw new Error(`${name}: tensor ${tensor} does not fit its shape [${entry.shape.join(', ')}]; the file was cut off.`);
  }
  const at = start + from;
  const aligned = at % width === 0;
  const source = aligned ? buffer : buffer.slice(at, start + to);
  const offset = aligned ? at : 0;
  switch (entry.dtype) {
    case 'F32':
      return new Float32Array(source, offset, count);
    case 'U32':
      return new Uint32Array(source, offset, count);
    case 'F16':
      return fromHalf(new Uint16Array(source, offset, count));
    default:
      return new Uint8Array(source, offset, count);
  }
}

type Kinds = { f32: Float32Array; u32: Uint32Array; u8: Uint8Array };
const ARRAYS = { f32: Float32Array, u32: Uint32Array, u8: Uint8Array };

/** The tensor called `tensor`, checked for its kind. */
export function pick<K extends keyof Kinds>(file: string, table: Table, tensor: string, kind: K): Kinds[K] {
  const found = table.tensors.get(tensor)?.values;
  if (!found) throw new Error(`${file} has no tensor ${tensor}.`);
  if (!(found instanceof ARRAYS[kind])) throw new Error(`${file}: tensor ${tensor} is not ${kind}.`);
  return found as Kinds[K];
}
