import { Data } from './data.js';
import type { TrainEvent } from './events.js';
import type { Agreement, Evaluation } from './figures.js';
import { type TrainOptions, toJson } from './options.js';
import type { SaeSettings } from './settings.js';
import { Trained } from './trained.js';

/** What an atlas is made with. */
export interface AtlasOptions {
  /** What the page calls it; the name of the data unless given. */
  title?: string;
  /** What examples are: `rows` where nothing is known of them. */
  kind?: 'images' | 'texts' | 'rows';
  /** The class of each example. */
  labels?: (string | null)[];
  /** Hears how far each stage is: encode, axes, points, concepts, rows. */
  onProgress?: (done: number, of: number, stage: string) => void;
}

/**
 * A sparse autoencoder.
 *
 * Rows go in and come out as they are in the data: the model's own normalisation is applied to them, and undone.
 * Calls wait for each other in line; while a model is trained, they get their turn between two steps.
 */
export abstract class Sae {
  readonly #model: Trained;
  /** What it is, as it stands in its file. */
  readonly settings: SaeSettings;

  /** Not for programs: models are made by `create`, {@link load} and {@link Run.sae}. */
  constructor(model: object) {
    if (!(model instanceof Trained)) throw new Error(`Use await ${new.target.name}.create(…): a model takes a while to make.`);
    this.#model = model;
    this.settings = model.settings;
  }

  /** Input dimensions, d. */
  get inputShape(): number {
    return this.settings.input_shape;
  }

  /** Concepts, K. */
  get nbConcepts(): number {
    return this.settings.nb_concepts;
  }

  /**
   * Pre-codes and codes of rows, both dense: [rows, nbConcepts] row by row.
   *
   * @param x rows of `inputShape` values, one after another, or one by one.
   * @throws if they are no whole number of rows.
   */
  encode(
    x: Float32Array | Float32Array[],
  ): Promise<{ preCodes: Float32Array; codes: Float32Array }> {
    return this.#model.inLine((model) => model.encode(joined(x))) as Promise<{
      preCodes: Float32Array;
      codes: Float32Array;
    }>;
  }

  /**
   * The codes that are not zero: those of row i are `indices` and `values` from `indptr[i]` to `indptr[i + 1]`.
   *
   * @throws as {@link encode}.
   */
  encodeSparse(
    x: Float32Array | Float32Array[],
  ): Promise<{ indptr: Uint32Array; indices: Uint32Array; values: Float32Array }> {
    return this.#model.inLine((model) => model.encodeSparse(joined(x))) as Promise<{
      indptr: Uint32Array;
      indices: Uint32Array;
      values: Float32Array;
    }>;
  }

  /**
   * The rows that codes stand for, [rows, inputShape].
   *
   * @param codes dense, [rows, nbConcepts].
   */
  decode(codes: Float32Array): Promise<Float32Array> {
    return this.#model.inLine((model) => model.decode(codes));
  }

  /** The dictionary, [nbConcepts, inputShape] row by row, in the space of normalised rows. */
  dictionary(): Promise<Float32Array> {
    return this.#model.inLine((model) => model.dictionary());
  }

  /**
   * Trains the model, telling of each step. Leaving the loop stops after the current step; the model keeps what it
   * learnt.
   *
   * A model that has not been trained yet takes its normalisation from these data; any other keeps its own.
   *
   * @throws while iterating: if an option is out of range, if a value of the data is not finite, or if the loss
   * diverges.
   */
  async *train(
    data: Data | Float32Array,
    options: TrainOptions = {},
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const own = data instanceof Data ? undefined : Data.fromArray(data, this.inputShape);
    try {
      yield* this.#model.train(own ?? (data as Data), toJson(options));
    } finally {
      own?.free();
    }
  }

  /** What it is worth on all rows of some data. */
  async evaluate(data: Data, onProgress?: (done: number, of: number) => void): Promise<Evaluation> {
    return JSON.parse(
      await this.#model.inLine((model) => model.evaluate(data.share(), onProgress)),
    );
  }

  /**
   * Everything that the explorer page shows of it on these data: files by their names, as docs/atlas.md describes them.
   *
   * @param options `labels`: one an example (a row, or a picture where the data have a grid), null where there is none;
   *   `kind`: what examples are. Their texts and pictures stay with the caller.
   */
  async atlas(data: Data, options: AtlasOptions = {}): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    const { onProgress, ...rest } = options;
    return await this.#model.inLine((model) => model.atlas(data.share(), JSON.stringify(rest), onProgress));
  }

  /** How much its dictionary agrees with that of another model of the same data. */
  async agreement(other: Sae): Promise<Agreement> {
    const dictionary = await other.dictionary();
    return JSON.parse(await this.#model.inLine((model) => model.agreement(dictionary)));
  }

  /**
   * The bytes of its .safetensors file, as the command writes it and reads it.
   *
   * @param options `optimizer`: with the state of its last run, if it was trained here.
   */
  save(options: { optimizer?: boolean } = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.#model.inLine((model) => model.save(options.optimizer ?? false)) as Promise<Uint8Array<ArrayBuffer>>;
  }

  /** Gives the memory back, once calls that are under way are done. */
  free(): void {
    this.#model.free();
  }

  /** As {@link free}. */
  [Symbol.dispose](): void {
    this.free();
  }
}

function joined(x: Float32Array | Float32Array[]): Float32Array {
  if (x instanceof Float32Array) return x;
  const whole = new Float32Array(x.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of x) {
    whole.set(row, at);
    at += row.length;
  }
  return whole;
}
