import type { Agreement, Backend, TrainEvent } from 'archetypal';

/** What data the worker holds. */
export interface DataInfo {
  name: string;
  rows: number;
  width: number;
  grid: [number, number] | null;
}

/** What is trained and how, under the names of the package. */
export interface FitSettings {
  model: 'ra-topk' | 'ra-jump' | 'ra-batch-topk' | 'topk' | 'jump' | 'batch-topk';
  concepts: number;
  points: number;
  topK: number;
  delta: number;
  targetL0: number;
  epochs: number;
  batchSize: number;
  lr: number;
  schedule: string;
  seed: number;
  normalize: 'standardize' | 'center' | 'none';
  loss: string;
  backend: Backend;
}

/** Names and labels that the atlas keeps. */
export interface AtlasRequest {
  title: string;
  kind: 'images' | 'texts' | 'rows';
  labels: (string | null)[] | null;
}

/** A pair of models trained with different seeds. */
export interface Pair {
  agreement: Agreement;
  /** R² of both. */
  r2: [number | null, number | null];
  /** The rows that make each atom fire most, [K, 3]; 4294967295 for none. */
  best: [Uint32Array, Uint32Array];
}

export interface StabilityResult {
  archetypal: Pair;
  free: Pair;
}

/** What can be asked, and what is answered. */
export interface Calls {
  data: { ask: { name: string; bytes: ArrayBuffer; tensor?: string; grid?: [number, number] }; answer: DataInfo };
  train: { ask: { settings: FitSettings; resume: boolean }; answer: { stopped: boolean } };
  model: { ask: { bytes: ArrayBuffer; backend: Backend }; answer: { concepts: number } };
  atlas: { ask: AtlasRequest; answer: Map<string, Uint8Array> };
  save: { ask: null; answer: Uint8Array };
  stability: { ask: { settings: FitSettings }; answer: StabilityResult | null };
}
export type Call = keyof Calls;

/** Messages to the worker. Orders have no answer. */
export type ToWorker =
  | { [C in Call]: { id: number; call: C; ask: Calls[C]['ask'] } }[Call]
  | { order: 'pause' | 'resume' | 'stop' };

/** What happens meanwhile. */
export type Happening =
  | { event: 'device'; name: string; isGpu: boolean; isFallback: boolean; webgpu: boolean }
  | { event: 'lost'; message: string }
  | { event: 'progress'; what: string; done: number; of: number }
  | { event: 'paused'; paused: boolean }
  | { event: 'train'; happened: TrainEvent[] };

/** Messages from the worker. */
export type FromWorker = { id: number; answer: unknown } | { id: number; failed: string; lost: boolean } | Happening;
