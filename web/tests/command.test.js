/** The package and the command: each reads what the other writes, and they train alike. Needs the command, built. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { root, web } from './support/files.js';
import { archetypal, loaded } from './support/node.js';
import * as safetensors from './support/safetensors.js';

const { Data, Device, Run, load } = archetypal;
const COMMAND = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'release/archetypal');
const DATA = join(root, 'examples/data/clipart-efflite0.safetensors');
const OUT = join(web, 'tests/out');
const THEIRS = join(OUT, 'command.safetensors');
const OURS = join(OUT, 'package.safetensors');

function command(...args) {
  return execFileSync(COMMAND, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

let device;
let data;
before(async () => {
  assert.ok(existsSync(COMMAND), `${COMMAND} is missing: cargo build --release`);
  mkdirSync(OUT, { recursive: true });
  await loaded();
  device = await Device.open({ backend: 'cpu' });
  data = Data.fromBytes(DATA, readFileSync(DATA));
  assert.deepEqual(data.grid, [7, 7]);
});

async function trainBoth(model) {
  const shape = ['--concepts', '64', '--top-k', '4', '--epochs', '2', '--seed', '5', '--backend', 'cpu'];
  const points = model.startsWith('ra-') ? { points: 32 } : {};
  const given = points.points ? ['--points', '32'] : [];
  command('train', DATA, '--model', model, ...shape, ...given, '--out', THEIRS);
  const run = await Run.create(data, { model, concepts: 64, topK: 4, epochs: 2, seed: 5, ...points, device });
  for await (const _ of run);
  const sae = run.sae();
  writeFileSync(OURS, await sae.save());
  return sae;
}

/** ‖a − b‖ / ‖b‖ over all values. */
function distance(a, b) {
  let [difference, norm] = [0, 0];
  b.forEach((value, i) => {
    difference += (a[i] - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / (norm || 1));
}

test('they train alike: the same settings and shapes, values but for rounding', async () => {
  await trainBoth('topk');
  const [ours, theirs] = [OURS, THEIRS].map((file) => safetensors.read(readFileSync(file)));
  assert.deepEqual(JSON.parse(ours.metadata.archetypal), JSON.parse(theirs.metadata.archetypal));
  assert.deepEqual(Object.keys(ours.tensors), Object.keys(theirs.tensors));
  for (const [name, { shape, values }] of Object.entries(theirs.tensors)) {
    assert.deepEqual(ours.tensors[name].shape, shape, name);
    const off = distance(ours.tensors[name].values, values);
    assert.ok(off < 1e-3, `${name} is off by ${off}`);
  }
});

test('the package writes the bytes that it read, and finds the same figures', async () => {
  const sae = await trainBoth('ra-topk');
  const bytes = new Uint8Array(readFileSync(THEIRS));
  assert.deepEqual(await (await load(bytes, { device })).save(), bytes);
  const theirs = JSON.parse(command('eval', OURS, DATA, '--backend', 'cpu', '--json'));
  const ours = await sae.evaluate(data);
  assert.deepEqual(Object.keys(ours), Object.keys(theirs));
  for (const figure of ['r2', 'mse', 'l0', 'coherence', 'ood', 'multiplier', 'weight_entropy_mean']) {
    assert.ok(Math.abs(ours[figure] - theirs[figure]) < 1e-5 * (1 + Math.abs(theirs[figure])), figure);
  }
});
