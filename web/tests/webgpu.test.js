/** What is particular to a GPU, on Dawn in Node: kernels in its compiler, shared and lost devices. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compileAll } from './support/shaders.js';
import { archetypal, installWebGpu, loaded, removeWebGpu } from './support/node.js';

const { Data, Device, Run, TopKSae, load } = archetypal;
const values = Float32Array.from({ length: 64 * 8 }, (_, i) => Math.sin(i * 0.37) + (i % 8));
const small = { inputShape: 8, nbConcepts: 16, topK: 2 };

let gpu;
before(async () => {
  await loaded();
  gpu = installWebGpu();
});
after(removeWebGpu);

async function open() {
  const adapter = await gpu.requestAdapter();
  assert.ok(adapter, 'there is no WebGPU adapter: is a Vulkan driver installed?');
  return adapter.requestDevice();
}

test('every kernel passes the compiler', async () => {
  const { count, failures } = await compileAll(await open());
  assert.deepEqual(failures, []);
  assert.ok(count > 50, `${count} kernels`);
});

test('a device is opened, and what the page has stays as it was', async () => {
  const before = Object.getOwnPropertyNames(globalThis);
  const device = await Device.open({ backend: 'gpu' });
  assert.ok(device.isGpu && device.name.length > 0);
  assert.deepEqual(Object.getOwnPropertyNames(globalThis), before);
  assert.equal(navigator.gpu, gpu);
});

test('the kernels of a run are made before its first step, and told of', async () => {
  const own = await open();
  let made = 0;
  const create = own.createComputePipeline.bind(own);
  own.createComputePipeline = (descriptor) => {
    made += 1;
    return create(descriptor);
  };
  const device = await Device.open({ device: own });
  const told = [];
  const onProgress = ({ phase, done, of }) => phase === 'kernels' && told.push([done, of]);
  const options = { concepts: 16, points: 6, topK: 2, epochs: 1, batchSize: 40, device, onProgress };
  const run = await Run.create(Data.fromArray(values, 8), options);
  const count = told.at(-1)[1];
  assert.ok(count > 5, `${count} kernels`);
  assert.deepEqual(told, Array.from({ length: count + 1 }, (_, done) => [done, count]));
  const before = made;
  for await (const _ of run);
  assert.equal(made, before);
});

test('a shared device computes; once it is lost, another goes on from what was saved', async () => {
  const own = await open();
  const device = await Device.open({ device: own });
  const sae = await TopKSae.create({ ...small, device });
  for await (const _ of sae.train(values, { epochs: 2, batchSize: 32 }));
  const saved = await sae.save();
  const { codes } = await sae.encode(values);
  own.destroy();
  assert.match(await device.lost, /was lost/);
  await assert.rejects(sae.encode(values), /the device .* failed/);
  const other = await Device.open({ backend: 'gpu' });
  const again = await load(saved, { device: other });
  assert.deepEqual((await again.encode(values)).codes, codes);
});
