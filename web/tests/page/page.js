/** What a browser is asked: kernels in its compiler, golden cases on its WebGPU, and the package in a worker. */

import * as archetypal from '../../archetypal/dist/index.js';
import { runCase } from '../support/golden.js';
import { compileAll } from '../support/shaders.js';

async function kernels() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('this browser has no WebGPU adapter');
  const device = await adapter.requestDevice();
  const found = await compileAll(device);
  device.destroy();
  return found;
}

async function golden(device, tell) {
  const results = [];
  for (const name of await (await fetch('/golden/')).json()) {
    const bytes = new Uint8Array(await (await fetch(`/golden/${name}`)).arrayBuffer());
    const { worst, tensor, error, bound } = await runCase(archetypal, device, bytes);
    results.push({ name, worst, tensor, error, bound });
    await tell(`${name} ${worst.toFixed(2)}`);
  }
  return results;
}

function inWorker() {
  const worker = new Worker('worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
  }).finally(() => worker.terminate());
}

const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });

async function all() {
  await archetypal.init();
  const tell = (text) => post('/progress', text);
  const shaders = await kernels();
  await tell(`${shaders.count} kernels, ${shaders.failures.length} fail`);
  const worker = await inWorker();
  await tell('worker done');
  const device = await archetypal.Device.open({ backend: 'gpu' });
  const cases = await golden(device, tell);
  return { device: device.name, isGpu: device.isGpu, shaders, cases, worker };
}

all()
  .catch((error) => ({ failure: `${error.message}\n${error.stack}` }))
  .then((result) => post('/result', result));
