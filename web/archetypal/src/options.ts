import type { Device } from './device.js';

/** What is done to every dimension of the data before training. */
export type Normalize = 'standardize' | 'center' | 'none';
/** How rows become pre-codes. */
export type EncoderKind =
  | 'linear'
  | 'identity'
  | 'mlp_ln_1'
  | 'mlp_ln_3'
  | 'mlp_bn_1'
  | 'mlp_bn_3'
  | 'tied'
  | 'untied';
/** Stand-in for the derivative of jump's step. */
export type Kernel =
  | 'rectangle'
  | 'gaussian'
  | 'triangular'
  | 'cosine'
  | 'epanechnikov'
  | 'quartic'
  | 'silverman'
  | 'cauchy';
/** What the atoms of a free dictionary are held to. */
export type Normalization = 'l2' | 'max_l2' | 'l1' | 'max_l1' | 'identity';

/** What all models are made from. */
export interface SaeOptions {
  /** Input dimensions, d. */
  inputShape: number;
  /** Concepts (atoms), K. */
  nbConcepts: number;
  /** Whether the dictionary has a trainable scale; true for archetypal ones unless given, false for free ones. */
  useMultiplier?: boolean;
  /** `linear` unless given. */
  encoder?: EncoderKind;
  /** Whether a tied or untied encoder has a bias; false unless given. */
  encoderBias?: boolean;
  /** Seed of the random initial values; 0 unless given. */
  seed?: number;
  /** Where it lives; what {@link Device.open} opens unless given. */
  device?: Device;
}

/** What archetypal dictionaries take besides. */
export interface ArchetypalOptions {
  /** Points that atoms are blends of, [N, d] row by row: see {@link findPoints}. */
  points: Float32Array;
  /** Radius δ ≥ 0 within which an atom may leave the hull of the points; 1 unless given. */
  delta?: number;
}

/** What free dictionaries take besides. */
export interface FreeOptions {
  /** What atoms are held to; `l2` unless given. */
  normalization?: Normalization;
}

/** What models that keep the largest codes take besides. */
export interface TopKOptions {
  /** Codes a row; a tenth of the concepts unless given. */
  topK?: number;
}

/** What models that keep the largest codes of a batch take besides. */
export interface BatchTopKOptions extends TopKOptions {
  /** Weight of the old value in the running threshold, 0 to 1; 0.9 unless given. */
  thresholdMomentum?: number;
}

/** What models with thresholds take besides. */
export interface JumpOptions {
  /** How thresholds learn; `reference` unless given. */
  thresholds?: 'reference' | 'direct';
  /** Width of the kernel around a threshold, > 0; 0.001, or 0.5 for direct thresholds, unless given. */
  bandwidth?: number;
  /** `silverman`, or `rectangle` for direct thresholds, unless given. */
  kernel?: Kernel;
}

/** How to train. What is not given has the reference's defaults, those of `archetypal train --preset reference`. */
export interface TrainOptions {
  /** Passes over the data; 20. */
  epochs?: number;
  /** Rows in a step; 1024. */
  batchSize?: number;
  /** Learning rate of Adam; 0.0005. */
  lr?: number;
  /** Factors on the learning rate of groups of parameters, as text: "mixing=0.1,thresholds=10". */
  lrFactors?: string;
  /** Adam's β₁; 0.9. */
  beta1?: number;
  /** Adam's β₂; 0.999. */
  beta2?: number;
  /** Adam's ε; 1e-8. */
  eps?: number;
  /** Share of each parameter, times the learning rate, that a step takes off it; 0. */
  weightDecay?: number;
  /** "constant", "cosine[:WARMUP[:FINAL]]" or "linear[:WARMUP[:FINAL]]"; constant. */
  schedule?: string;
  /** Largest norm of all gradients together; 1, and null for none. */
  clipGrad?: number | null;
  /** For concepts that no longer fire, as text: "RATE[:ROWS]", their bias rises by RATE times the learning rate at every step once
   * they have not for ROWS rows, or "none"; none. */
  revive?: string;
  /** Seed of the order of the rows; 0. */
  seed?: number;
  /** What is done to every dimension of the data; standardize. A model that was trained keeps what it has. */
  normalize?: Normalize;
  /** What is minimised, as text: "mse,reanimation=0.1"; mse. */
  loss?: string;
  /** Mean number of active codes a row that a jump model is trained for. */
  targetL0?: number;
  /** Steps in which all thresholds follow the batches before each is trained. */
  thresholdWarmup?: number;
  /** Update every row of the dictionary at every step, and not only when its concept fires; false. */
  everyRow?: boolean;
  /** Read batch and weights as float16 in the encoder's product, summed in float32; false. */
  half?: boolean;
  /** 0: neither steps nor epochs are told of; 1: both; 2: steps with the norms of all parameters. */
  monitoring?: 0 | 1 | 2;
  /** Rows without firing after which a concept counts as dead in `dead_in_window`; 5000. */
  deadWindow?: number;
  /** Take the rows in the order that they have; false. */
  noShuffle?: boolean;
  /** Rows that are shuffled together, in MiB; 1024. */
  shuffleBuffer?: number;
}

/** @internal Options as JSON, under the names that the crate has for them. */
export function toJson(options: object): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    // JSON would make null of it, which stands for the default.
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new Error(`${name} is ${value}, but must be a finite number.`);
    }
  }
  const renamed = given.map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return JSON.stringify(Object.fromEntries(renamed));
}
