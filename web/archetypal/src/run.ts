import type { Data } from './data.js';
import { Device, deviceOr } from './device.js';
import type { TrainEvent } from './events.js';
import {
  type EncoderKind,
  type Kernel,
  type Normalization,
  type TrainOptions,
  toJson,
} from './options.js';
import { callLater } from './runtime.js';
import { saeOf } from './classes.js';
import type { Sae } from './sae.js';
import type { SaeSettings } from './settings.js';
import { Trained } from './trained.js';
import { Model } from './wasm/archetypal.js';

/** Dictionary and codes: near the data's points (ra-…) or free; the largest codes of each row, of each batch, or those above thresholds. */
export type ModelKind = 'ra-topk' | 'ra-jump' | 'ra-batch-topk' | 'topk' | 'jump' | 'batch-topk';

/** How far the preparation is. */
export interface FitProgress {
  /** Rows are read, first points drawn, points moved, initial values sought (with fewer points than concepts), a GPU's kernels made. */
  phase: 'statistics' | 'seeding' | 'iteration' | 'start' | 'kernels';
  done: number;
  of: number;
}

/**
 * What to make of the data, and how. What is not given has the defaults of the command `archetypal train`: those of the
 * preset, which those that stand here are where they differ from {@link TrainOptions}.
 */
export interface FitOptions extends TrainOptions {
  /** Which defaults: what gave good and stable dictionaries (unless given), or the reference's. */
  preset?: 'recommended' | 'reference';
  /** Initial values: the reference's, or an encoder matched to the atoms; matched for ra-…. */
  start?: 'reference' | 'matched';
  /** Learning rate of Adam; 0.001. */
  lr?: number;
  /** As text; a cosine that warms up in a tenth of the steps, at most 50, and falls to a tenth. */
  schedule?: string;
  /** Adam's β₂; 0.99 for ra-…, 0.999 else. */
  beta2?: number;
  /** Factors on the learning rate of groups of parameters, as text; for ra-… encoder=0.9, mixing=0.01 (0.04 with fewer points than
   * concepts), relaxation=10 and multiplier=20. */
  lrFactors?: string;
  /** For concepts that no longer fire, as text: for ra-topk and ra-batch-topk their bias rises by the learning rate at every step
   * once they have not for 50 K / `topK` rows. */
  revive?: string;
  /** Mean number of active codes a row that a jump model is trained for; a tenth of the concepts, at most 32. */
  targetL0?: number;
  /** Which model; ra-topk. */
  model?: ModelKind;
  /** Concepts, K; four times the width of the data, at most 16384. */
  concepts?: number;
  /** Points that archetypal atoms are blends of; as many as concepts, at most 4096. */
  points?: number;
  /** Codes a row; a tenth of the concepts, at most 32. */
  topK?: number;
  /** Radius within which an archetypal atom may leave the hull of the points; by `deltaRelative`. */
  delta?: number;
  /** The same as a share of the points' mean norm; 0.27. */
  deltaRelative?: number;
  /** Leave out the trainable scale of an archetypal dictionary; false. */
  noMultiplier?: boolean;
  /** Train the scale of a free dictionary too; false. */
  multiplier?: boolean;
  /** What the atoms of a free dictionary are held to; l2. */
  normalization?: Normalization;
  /** How rows become pre-codes; linear. */
  encoder?: EncoderKind;
  /** Whether a tied or untied encoder has a bias; false. */
  encoderBias?: boolean;
  /** How jump's thresholds learn; direct. */
  thresholds?: 'reference' | 'direct';
  /** Width of jump's kernel; 0.001, or 0.5 for direct thresholds. */
  bandwidth?: number;
  /** Jump's kernel; silverman, or rectangle for direct thresholds. */
  kernel?: Kernel;
  /** Weight of the old value in batch top-k's running threshold; 0.9. */
  thresholdMomentum?: number;
  /** What computes. */
  device?: Device;
  /** Hears how far the preparation is. */
  onProgress?: (progress: FitProgress) => void;
}

/**
 * From data to a model, as `archetypal train` does it: statistics, normalisation, points, and then step by step.
 *
 * Iterating trains. The loop may be left, which pauses the run, and entered again.
 */
export class Run {
  readonly #model: Trained;
  #hasEnded = false;
  /** What is trained, as it stands in its file. */
  readonly settings: SaeSettings;

  private constructor(model: Trained) {
    this.#model = model;
    this.settings = model.settings;
  }

  /**
   * Prepares a run, up to its first step.
   *
   * @throws if an option is out of range, or a value of the data is not finite.
   */
  static async create(data: Data, options: FitOptions = {}): Promise<Run> {
    const { device, onProgress, ...settings } = options;
    const on = await deviceOr(device);
    const tell =
      onProgress &&
      ((phase: FitProgress['phase'], done: number, of: number) => onProgress({ phase, done, of }));
    return callLater(
      async () =>
        new Run(new Trained(await Model.fit(data.share(), on.share(), toJson(settings), tell))),
    );
  }

  /**
   * Goes on with a run that was saved by {@link save}, or interrupted on the command line, to the same end.
   *
   * @throws if the data are not those of the run.
   */
  static async resume(
    bytes: Uint8Array,
    data: Data,
    options: { device?: Device } = {},
  ): Promise<Run> {
    const on = await deviceOr(options.device);
    return callLater(
      async () => new Run(new Trained(await Model.resume(on.share(), data.share(), bytes))),
    );
  }

  /** Whether all epochs are done. */
  get isDone(): boolean {
    return this.#model.isDone;
  }

  /** The steps from here on. */
  [Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, undefined> {
    return this.#running().goOn();
  }

  /** The bytes of a file from which the run can go on: the model with the state of its optimiser. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#running().inLine((model) => model.save(true)) as Promise<Uint8Array<ArrayBuffer>>;
  }

  /** Ends the run: the model as it is then. */
  sae(): Sae {
    const model = this.#running();
    this.#hasEnded = true;
    model.stop();
    return saeOf(model);
  }

  /** Gives the memory back, unless the model was taken out. */
  free(): void {
    if (!this.#hasEnded) this.#model.free();
  }

  /** As {@link free}. */
  [Symbol.dispose](): void {
    this.free();
  }

  #running(): Trained {
    if (this.#hasEnded) throw new Error('This run has ended: its model was taken out of it.');
    return this.#model;
  }
}
