import { Data } from './data.js';
import { Device, deviceOr } from './device.js';
import { type Normalize, toJson } from './options.js';
import { callLater } from './runtime.js';
import { findPoints as find } from './wasm/archetypal.js';

/** How far the search for points is. */
export interface PointsProgress {
  /** First centres are drawn, then moved. */
  phase: 'seeding' | 'iteration';
  /** Centres drawn, or iterations done. */
  done: number;
  /** Of how many; iterations end earlier once they gain nothing. */
  of: number;
}

/** Which points to find. */
export interface PointsOptions {
  /** How many, at most as many as there are rows. */
  count: number;
  /** Seed of the first centres, or of the sample; 0 unless given. */
  seed?: number;
  /** Centres of k-means (unless given), or rows of the data. */
  method?: 'kmeans' | 'sample';
  /** What is done to the data before; standardize unless given. */
  normalize?: Normalize;
  /** What computes. */
  device?: Device;
  /** Hears how far it is. */
  onProgress?: (progress: PointsProgress) => void;
}

/** Points of the normalised data that archetypal atoms can be blends of: [count, width] row by row. */
export async function findPoints(data: Data, options: PointsOptions): Promise<Float32Array> {
  const { device, onProgress, ...settings } = options;
  const on = await deviceOr(device);
  const tell =
    onProgress &&
    ((phase: PointsProgress['phase'], done: number, of: number) => onProgress({ phase, done, of }));
  return callLater(() => find(data.share(), on.share(), toJson(settings), tell));
}
