import { Owned, call } from './runtime.js';
import { Data as Raw } from './wasm/archetypal.js';

/** What more there is to say of values in memory. */
export interface DataOptions {
  /** What they are called in messages; "the data" unless given. */
  name?: string;
  /** [height, width] if every height·width rows are the cells of one picture, row after row. */
  grid?: [number, number];
}

/** What more there is to say of a file. */
export interface FileOptions {
  /** Which tensor to read from a .safetensors file that holds several. */
  tensor?: string;
}

/** Activations: a matrix [rows, width] in memory. */
export class Data {
  readonly #raw: Owned<Raw>;
  /** What it is called in messages. */
  readonly name: string;
  /** Rows. */
  readonly rows: number;
  /** Values in a row: the input dimensions d. */
  readonly width: number;
  /** [height, width] of the pictures whose cells are the rows, or null. */
  readonly grid: [number, number] | null;

  private constructor(raw: Raw) {
    this.#raw = new Owned(raw, 'data');
    this.name = raw.name;
    this.rows = raw.rows;
    this.width = raw.width;
    const [height, width] = raw.grid;
    this.grid = height === undefined || width === undefined ? null : [height, width];
  }

  /**
   * From values, row after row; they are copied.
   *
   * @throws if they are no whole number of rows.
   */
  static fromArray(values: Float32Array, width: number, options: DataOptions = {}): Data {
    const { name = 'the data', grid } = options;
    return call(() => new Data(Raw.fromArray(name, values, width, new Uint32Array(grid ?? []))));
  }

  /**
   * From the bytes of a .npy or .safetensors file with one matrix of f16, bf16, f32 or f64; they are copied.
   *
   * @throws if the file is cut short, of another format, or holds something else.
   */
  static fromBytes(name: string, bytes: Uint8Array, options: FileOptions = {}): Data {
    return call(() => new Data(Raw.fromBytes(name, bytes, options.tensor)));
  }

  /** `count` rows from `start`, as they are in the file, one after another. */
  read(start: number, count: number): Float32Array {
    return call(() => this.#raw.get().read(start, count));
  }

  /** @internal A handle for one call. */
  share(): Raw {
    return this.#raw.get().share();
  }

  /** Gives the memory back, once nothing under way uses it any more. */
  free(): void {
    this.#raw.free();
  }

  /** As {@link free}. */
  [Symbol.dispose](): void {
    this.free();
  }
}
