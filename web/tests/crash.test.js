/** What a fault of the module's own looks like from outside: an Error that says it, to all who wait and all who come. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panic } from '../archetypal/dist/wasm/archetypal.js';
import { archetypal, loaded } from './support/node.js';

const { Data, Device, TopKSae } = archetypal;

test('a panic reaches whoever waits, and everybody after', async () => {
  await loaded();
  const device = await Device.open({ backend: 'cpu' });
  const sae = await TopKSae.create({ inputShape: 4, nbConcepts: 8, topK: 2, device });
  const waiting = (async () => {
    for await (const _ of sae.train(new Float32Array(400).map(Math.random), { epochs: 1e6 }));
  })();
  const heard = assert.rejects(waiting, /fault of its own.*out of cheese/s);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.throws(() => panic('out of cheese'));
  await heard;
  assert.throws(() => Data.fromArray(new Float32Array(4), 4), /out of cheese/);
  await assert.rejects(Device.open({ backend: 'cpu' }), /out of cheese/);
  sae.free();
});
