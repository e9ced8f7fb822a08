/** Settings as they stand in checkpoints and atlases, under the names that they have there. */

/** Which of a batch's pre-codes become codes. */
export type Selection =
  | { kind: 'top-k'; k: number }
  | { kind: 'jump'; kernel: string; bandwidth: number; thresholds: 'reference' | 'direct' }
  | { kind: 'batch-top-k'; k: number; momentum: number };

/** What atoms are made of. */
export type DictionaryKind =
  | { kind: 'archetypal'; nb_points: number; delta: number }
  | { kind: 'free'; normalization: string };

/** What a model is. */
export interface SaeSettings {
  /** Input dimensions, d. */
  input_shape: number;
  /** Concepts (atoms), K. */
  nb_concepts: number;
  /** Which codes are kept. */
  selection: Selection;
  /** What atoms are made of. */
  dictionary: DictionaryKind;
  /** Whether the dictionary has a trainable scale. */
  use_multiplier: boolean;
  /** How inputs become pre-codes. */
  encoder: string;
  /** Whether a tied or untied encoder has a bias. */
  encoder_bias: boolean;
}

/** How a model was trained. */
export interface TrainSettings {
  epochs: number;
  batch_size: number;
  lr: number;
  lr_factors: string;
  beta1: number;
  beta2: number;
  eps: number;
  weight_decay: number;
  schedule: string;
  clip_grad: number | null;
  revive: string;
  seed: number;
  start: 'reference' | 'matched';
  normalize: string;
  loss: string;
  target_l0: number | null;
  threshold_warmup: number | null;
  every_row: boolean;
  half: boolean;
  monitoring: number;
  dead_window: number;
  no_shuffle: boolean;
  shuffle_buffer: number;
}
