/**
 * Archetypal sparse autoencoders in the browser: the Rust crate `archetypal` as WebAssembly, on WebGPU or the CPU.
 *
 * Await {@link init} once; everything else follows from {@link Data}, {@link Run} and {@link load}.
 *
 * @packageDocumentation
 */

export { Data, type DataOptions, type FileOptions } from './data.js';
export { Device, type Backend, type DeviceOptions } from './device.js';
export type { Agreement, Evaluation } from './figures.js';
export type { SaeSettings, Selection, DictionaryKind, TrainSettings } from './settings.js';
export type {
  ArchetypalOptions,
  BatchTopKOptions,
  EncoderKind,
  FreeOptions,
  JumpOptions,
  Kernel,
  Normalization,
  Normalize,
  SaeOptions,
  TopKOptions,
  TrainOptions,
} from './options.js';
export { findPoints, type PointsOptions, type PointsProgress } from './points.js';
export { Run, type FitOptions, type FitProgress, type ModelKind } from './run.js';
export { init, type InitInput } from './runtime.js';
export {
  BatchTopKSae,
  JumpSae,
  RaBatchTopKSae,
  RaJumpSae,
  RaTopKSae,
  TopKSae,
  load,
  type LoadOptions,
} from './classes.js';
export { type AtlasOptions, Sae } from './sae.js';
export type { TrainEvent } from './events.js';
