/** Where things are, for the tests that run in Node. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** The repository. */
export const root = join(here, '../../..');
/** web/ */
export const web = join(root, 'web');
/** The built package. */
export const dist = join(web, 'archetypal/dist');

/** The golden cases: $ARCHETYPAL_GOLDEN, else ../shared/golden where that exists, else the few in tests/golden_data. */
export function goldenFolder() {
  if (process.env.ARCHETYPAL_GOLDEN) return process.env.ARCHETYPAL_GOLDEN;
  const shared = join(root, '../shared/golden');
  return existsSync(shared) ? shared : join(root, 'tests/golden_data');
}

/** Their names. */
export function goldenNames() {
  const files = readdirSync(goldenFolder()).filter((file) => file.endsWith('.safetensors'));
  if (files.length === 0) throw new Error(`no case in ${goldenFolder()}`);
  return files.map((file) => file.replace('.safetensors', '')).sort();
}

/** The bytes of one. */
export function golden(name) {
  return new Uint8Array(readFileSync(join(goldenFolder(), `${name}.safetensors`)));
}
