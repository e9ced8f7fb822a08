/** How the package behaves, on the CPU backend in Node. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as safetensors from './support/safetensors.js';
import { archetypal, loaded } from './support/node.js';

const { Data, Device, RaTopKSae, TopKSae, JumpSae, Run, findPoints, load } = archetypal;

const WIDTH = 8;
const ROWS = 600;
/** Rows that lie near four directions. */
const values = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => {
  const [row, column] = [Math.floor(i / WIDTH), i % WIDTH];
  return (column % 4 === row % 4 ? 3 : 0) + Math.sin(i * 0.37) * 0.3 + column;
});

let device;
before(async () => {
  await loaded();
  device = await Device.open({ backend: 'cpu' });
});

const small = { inputShape: WIDTH, nbConcepts: 16, topK: 2 };

async function trained(options = {}) {
  const sae = await TopKSae.create({ ...small, device });
  for await (const _ of sae.train(values, { epochs: 3, batchSize: 100, ...options }));
  return sae;
}

async function events(iterator) {
  const all = [];
  for await (const event of iterator) all.push(event);
  return all;
}

describe('data', () => {
  test('arrays are read back as they are', () => {
    const data = Data.fromArray(values, WIDTH, { name: 'rows', grid: [2, 3] });
    assert.deepEqual([data.rows, data.width, data.name, data.grid], [ROWS, WIDTH, 'rows', [2, 3]]);
    assert.deepEqual(data.read(5, 2), values.slice(5 * WIDTH, 7 * WIDTH));
    assert.throws(() => data.read(599, 2), /within the 600 rows/);
    data.free();
    assert.throws(() => data.read(0, 1), /was freed/);
    data.free();
  });

  test('files are told from their first bytes, and damaged ones refused', () => {
    const bytes = safetensors.write({ x: { shape: [ROWS, WIDTH], values } });
    const data = Data.fromBytes('x.safetensors', bytes);
    assert.deepEqual([data.rows, data.width, data.grid], [ROWS, WIDTH, null]);
    assert.deepEqual(data.read(0, ROWS), values);
    assert.throws(() => Data.fromBytes('x.safetensors', bytes.subarray(0, 999)), /x\.safetensors.*only/);
    assert.throws(() => Data.fromBytes('x.txt', new Uint8Array([1, 2, 3])), Error);
    assert.throws(() => Data.fromBytes('x.safetensors', bytes, { tensor: 'y' }), /no tensor named "y"/);
  });

  test('values that are no whole rows are refused, and grids that do not fit', () => {
    assert.throws(() => Data.fromArray(values, 7), /rows × width/);
    assert.throws(() => Data.fromArray(new Float32Array(), 8), /holds no rows/);
    assert.throws(() => Data.fromArray(values, WIDTH, { grid: [7, 7] }), /grid is 7x7/);
  });

  test('NaN is found with its place', async () => {
    const bad = values.slice();
    bad[47 * WIDTH + 3] = NaN;
    const data = Data.fromArray(bad, WIDTH, { name: 'activations' });
    await assert.rejects(findPoints(data, { count: 4, device }), /activations: row 47, column 3 is NaN/);
    const sae = await TopKSae.create({ ...small, device });
    await assert.rejects(events(sae.train(data)), /activations: row 47, column 3 is NaN/);
    for await (const _ of sae.train(values, { epochs: 1 }));
  });
});

describe('models', () => {
  test('codes go out dense and sparse, and come back as rows', async () => {
    const sae = await trained();
    const { preCodes, codes } = await sae.encode(values);
    const { indptr, indices, values: entries } = await sae.encodeSparse(values);
    assert.equal(preCodes.length, ROWS * 16);
    assert.equal(indptr.length, ROWS + 1);
    const dense = new Float32Array(ROWS * 16);
    for (let row = 0; row < ROWS; row++) {
      assert.ok(indptr[row + 1] - indptr[row] <= 2);
      for (let i = indptr[row]; i < indptr[row + 1]; i++) dense[row * 16 + indices[i]] = entries[i];
    }
    assert.deepEqual(dense, codes);
    const rows = await sae.decode(codes);
    assert.equal(rows.length, values.length);
    const one = await sae.encode([values.slice(0, WIDTH), values.slice(WIDTH, 2 * WIDTH)]);
    assert.deepEqual(one.codes, codes.slice(0, 32));
    assert.equal((await sae.dictionary()).length, 16 * WIDTH);
  });

  test('training tells what the log of the command tells', async () => {
    const sae = await TopKSae.create({ ...small, device });
    const all = await events(sae.train(values, { epochs: 2, batchSize: 100, lr: 0.01 }));
    const names = all.map(({ event }) => event);
    assert.equal(names[0], 'configuration');
    assert.equal(names.filter((name) => name === 'step').length, 12);
    assert.equal(names.filter((name) => name === 'epoch').length, 2);
    assert.equal(names.at(-1), 'done');
    const done = all.at(-1);
    assert.deepEqual([done.steps, done.interrupted], [12, false]);
    const losses = all.filter(({ event }) => event === 'epoch').map((epoch) => epoch.avg_loss);
    assert.ok(losses[1] < losses[0], `${losses}`);
    const evaluation = await sae.evaluate(Data.fromArray(values, WIDTH));
    assert.equal(evaluation.rows, ROWS);
    assert.ok(evaluation.r2 > 0, `${evaluation.r2}`);
  });

  test('the same seed gives the same bytes', async () => {
    const [first, second] = [await trained(), await trained()];
    assert.deepEqual(await first.save(), await second.save());
    const agreement = await first.agreement(second);
    assert.ok(agreement.exact && agreement.stability > 0.999999);
    assert.equal(agreement.matches.length, 16);
  });

  test('files hold the model, its normalisation and, if asked for, its optimiser', async () => {
    const sae = await trained();
    const [bytes, whole] = [await sae.save(), await sae.save({ optimizer: true })];
    assert.ok(whole.length > 2 * bytes.length);
    const again = await load(bytes, { device });
    assert.ok(again instanceof TopKSae);
    assert.deepEqual(again.settings, sae.settings);
    assert.deepEqual(await again.save(), bytes);
    assert.deepEqual((await again.encode(values)).codes, (await sae.encode(values)).codes);
    await assert.rejects(load(bytes.subarray(0, 100), { device }), /cut short/);
    await assert.rejects(events(again.train(values, { normalize: 'none' })), /as the model was trained/);
  });

  test('a file of the reference belongs to rows as they are', async () => {
    const { tensors } = safetensors.read(await (await TopKSae.create({ ...small, device })).save());
    const own = Object.entries(tensors).filter(([name]) => !name.startsWith('normalize.'));
    const bytes = safetensors.write(Object.fromEntries(own));
    const sae = await load(bytes, { device, topK: small.topK });
    const [configuration] = await events(sae.train(values, { epochs: 1 }));
    assert.equal(configuration.training.normalize, 'none');
    const other = sae.train(values, { epochs: 1, normalize: 'standardize' });
    await assert.rejects(events(other), /as the model was trained/);
  });

  test('leaving the loop stops, and the model keeps what it learnt', async () => {
    const sae = await TopKSae.create({ ...small, device });
    const before = await sae.dictionary();
    let steps = 0;
    for await (const { event } of sae.train(values, { epochs: 1000, batchSize: 100, lr: 0.01 })) {
      if (event === 'step' && ++steps === 3) break;
    }
    assert.notDeepEqual(await sae.dictionary(), before);
    const { metadata } = safetensors.read(await sae.save({ optimizer: true }));
    assert.equal(JSON.parse(metadata.archetypal).run.progress.step, 3);
    // And it can be trained on.
    assert.ok((await events(sae.train(values, { epochs: 1, batchSize: 100 }))).length > 6);
  });

  test('calls wait in line while a model is trained, and timers get their turn', async () => {
    const sae = await TopKSae.create({ inputShape: WIDTH, nbConcepts: 256, topK: 8, device });
    let [turns, steps] = [0, 0];
    const timer = setInterval(() => turns++, 1);
    const iterator = sae.train(values, { epochs: 60, batchSize: 100 });
    const codes = [];
    for await (const { event } of iterator) {
      if (event === 'step' && ++steps % 100 === 1) {
        codes.push(sae.encode(values.slice(0, WIDTH)));
        await assert.rejects(events(sae.train(values)), /is being trained already/);
      }
    }
    clearInterval(timer);
    const first = (await Promise.all(codes)).map(({ codes }) => codes.join());
    assert.equal(new Set(first).size, first.length, 'the model changed between the calls');
    assert.ok(turns > 3, `timers ran ${turns} times`);
  });

  test('archetypal ones are made of points', async () => {
    const data = Data.fromArray(values, WIDTH);
    const seen = [];
    const points = await findPoints(data, { count: 6, device, onProgress: (p) => seen.push(p) });
    assert.equal(points.length, 6 * WIDTH);
    assert.deepEqual(seen[0], { phase: 'seeding', done: 1, of: 6 });
    assert.ok(seen.some(({ phase }) => phase === 'iteration'));
    const sae = await RaTopKSae.create({ ...small, points, delta: 0.5, device });
    assert.deepEqual(sae.settings.dictionary, { kind: 'archetypal', nb_points: 6, delta: 0.5 });
    for await (const _ of sae.train(data, { epochs: 2, batchSize: 100 }));
    const { relaxation_ratio_mean: ratio } = await sae.evaluate(data);
    assert.ok(ratio <= 1 + 1e-6);
    await assert.rejects(findPoints(data, { count: 601, device }), /at most the number of rows, 600/);
    await assert.rejects(RaTopKSae.create({ ...small, points: points.slice(1), device }), /points has shape/);
  });

  test('what is wrong is said', async () => {
    const sae = await TopKSae.create({ ...small, device });
    await assert.rejects(sae.encode(values.slice(0, 12)), /This model takes rows of 8 values/);
    await assert.rejects(sae.decode(values.slice(0, 12)), /This model has 16 concepts/);
    await assert.rejects(events(sae.train(values, { epoch: 3 })), /an option is "epoch"/);
    await assert.rejects(events(sae.train(values, { lr: -1 })), /lr is -1, but must be a number > 0/);
    await assert.rejects(events(sae.train(values, { loss: 'l7' })), /loss/);
    await assert.rejects(events(sae.train(values, { batchSize: 'many' })), /batch_size: "many"/);
    await assert.rejects(events(sae.train(Data.fromArray(values, 4))), /shape \[1200, 4\], expected \[1200, 8\]/);
    await assert.rejects(events(sae.train(new Float32Array(80).fill(1))), /all rows are the same/);
    await assert.rejects(events(sae.train(values, { targetL0: 3 })), /l0|thresholds/);
    await assert.rejects(TopKSae.create({ ...small, topK: 17, device }), /between 1 and the number of concepts, 16/);
    await assert.rejects(JumpSae.create({ ...small, device }), /top-k/);
    await assert.rejects(sae.evaluate(Data.fromArray(values, 4)), /the layer that the SAE was trained on/);
    // It is as good as before.
    assert.equal((await sae.encode(values)).codes.length, ROWS * 16);
  });

  test('freed ones say so; what is under way ends well', async () => {
    const sae = await trained();
    const codes = sae.encode(values);
    sae.free();
    sae.free();
    assert.equal((await codes).codes.length, ROWS * 16);
    await assert.rejects(sae.encode(values), /was freed/);
    await assert.rejects(events(sae.train(values)), /was freed/);
    const other = await TopKSae.create({ ...small, device });
    const training = events(other.train(values, { epochs: 1000 }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    other.free();
    await assert.rejects(training, /was freed/);
  });
});

describe('runs', () => {
  const options = { concepts: 16, points: 6, topK: 2, epochs: 3, batchSize: 100, seed: 3 };

  test('go from data to a model', async () => {
    const phases = new Set();
    const onProgress = ({ phase, done, of }) => {
      phases.add(phase);
      assert.ok(done <= of, `${phase}: ${done} of ${of}`);
    };
    const data = Data.fromArray(values, WIDTH);
    const run = await Run.create(data, { ...options, device, onProgress });
    data.free();
    assert.deepEqual([...phases], ['statistics', 'seeding', 'iteration', 'start']);
    assert.equal(run.isDone, false);
    const names = (await events(run)).map(({ event }) => event);
    assert.equal(names[0], 'configuration');
    assert.equal(names.at(-1), 'done');
    assert.equal(names.filter((name) => name === 'step').length, 18);
    assert.equal(run.isDone, true);
    const sae = run.sae();
    assert.ok(sae instanceof RaTopKSae);
    assert.equal((await sae.encode(values)).codes.length, ROWS * 16);
    assert.throws(() => run.sae(), /has ended/);
    run.free();
    assert.equal((await sae.dictionary()).length, 16 * WIDTH);
  });

  test('are left and entered again, saved and resumed, to the same bytes', async () => {
    const data = Data.fromArray(values, WIDTH);
    const whole = await Run.create(data, { ...options, device });
    const all = await events(whole);
    const parts = await Run.create(data, { ...options, device });
    const heard = [];
    for (const last of [4, 11]) {
      for await (const event of parts) {
        heard.push(event);
        if (event.event === 'step' && event.step === last) break;
      }
    }
    const saved = await parts.save();
    const resumed = await Run.resume(saved, data, { device });
    const rest = await events(resumed);
    assert.equal(rest[0].from_step, 12);
    heard.push(...(await events(parts)));
    const steps = (events) => events.filter(({ event }) => event === 'step').map(({ step }) => step);
    assert.deepEqual(steps(heard), steps(all));
    assert.equal(heard.filter(({ event }) => event === 'epoch').length, 3);
    const bytes = await whole.save();
    assert.deepEqual(await parts.save(), bytes);
    assert.deepEqual(await resumed.save(), bytes);
    const fewer = Data.fromArray(values.slice(WIDTH), WIDTH);
    await assert.rejects(Run.resume(saved, fewer, { device }), /number of rows is 599/);
  });

  test('refuse what is out of range before they read the data', async () => {
    const data = Data.fromArray(values, WIDTH);
    const refused = (wrong, what) => assert.rejects(Run.create(data, { ...options, ...wrong, device }), what);
    await refused({ points: 601 }, /points is 601/);
    await refused({ model: 'topk', delta: 2 }, /points|delta/);
    await refused({ model: 'k-means' }, /model/);
    await refused({ epochs: 0 }, /epochs is 0/);
    await refused({ Epochs: 1 }, /_epochs/);
  });
});

describe('devices', () => {
  test('without WebGPU the CPU serves, and asking for a GPU says why there is none', async () => {
    const found = await Device.open();
    assert.deepEqual([found.isGpu, found.isFallback], [false, false]);
    assert.match(found.name, /CPU/);
    await assert.rejects(Device.open({ backend: 'gpu' }), /navigator\.gpu is missing/);
    await assert.rejects(Device.open({ backend: 'tpu' }), /auto, gpu or cpu/);
    found.free();
    await assert.rejects(TopKSae.create({ ...small, device: found }), /was freed/);
  });
});
