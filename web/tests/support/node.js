/** The package in Node, on the CPU and on Dawn. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as archetypal from 'archetypal';
import { create, globals } from 'webgpu';
import { chooseDriver } from './driver.js';
import { dist } from './files.js';

export { archetypal };

/** Loads the package; Node cannot fetch files, so it gets the bytes. */
export async function loaded() {
  await archetypal.init(readFileSync(join(dist, 'wasm/archetypal_bg.wasm')));
  return archetypal;
}

/** Puts WebGPU where browsers have it. Fails later if there is no driver: no GPU test passes without. */
export function installWebGpu() {
  chooseDriver();
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  return gpu;
}

/** Takes it away again: as long as it is there, Node does not end. */
export function removeWebGpu() {
  delete globalThis.navigator;
}
