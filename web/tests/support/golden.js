/**
 * A reference case through the package, in Node or on a page: what overcomplete computed in float64 against what we
 * compute, with the bounds of the crate's own test (tests/golden.rs).
 */

import * as safetensors from './safetensors.js';

/** What is no result: where a case starts, and the dictionary of a tied encoder under PyTorch's second name for it. */
const NO_RESULT = /^(x$|points$|init\.|final\.encoder\.tied_to\.)/;
/** What the package does not tell. */
const NOT_TOLD = /^grad\./;

/**
 * Runs a case on a device. Returns { worst, tensor, error, bound }: `worst` is the largest error as a share of its
 * bound. Throws if there is a result with which nothing is compared, without a reason.
 */
export async function runCase({ load }, device, bytes) {
  const { metadata, tensors } = safetensors.read(bytes);
  const config = JSON.parse(metadata.config);
  const computed = await compute(load, device, config, tensors);
  const allowed = JSON.parse(metadata.float32_error);
  const left = Object.keys(tensors).filter((name) => !(name in computed) && !isKnown(name, config));
  if (left.length > 0) throw new Error(`nothing was compared with ${left.join(', ')}`);
  const result = { worst: 0, tensor: 'none', error: 0, bound: 0 };
  for (const [name, ours] of Object.entries(computed)) {
    const float32Error = allowed[name] ?? 0;
    if (float32Error > 0.01) continue;
    const bound = Math.max(20 * float32Error, 2e-5);
    const error = relativeError(name, ours, tensors[name].values);
    const share = Number.isNaN(error) ? Infinity : error / bound;
    if (share >= result.worst) Object.assign(result, { worst: share, tensor: name, error, bound });
  }
  return result;
}

/** Whether nothing has to be compared with a tensor of a case. */
function isKnown(name, config) {
  if (name === 'grad_norm') return config.clip_grad === null;
  if (FORWARD.includes(name)) return goesByTheBatch(config);
  return NO_RESULT.test(name) || NOT_TOLD.test(name);
}

async function compute(load, device, config, tensors) {
  const sae = await load(initial(tensors), { device, ...overrides(config) });
  const first = floats(tensors.x.values.subarray(0, config.batch * config.dim));
  const computed = {};
  const forward = await applied(sae, first);
  if (!goesByTheBatch(config)) Object.assign(computed, forward);
  const steps = [];
  for await (const event of sae.train(floats(tensors.x.values), training(config))) {
    if (event.event !== 'step') continue;
    if (!Number.isFinite(event.r2)) throw new Error(`the R² of step ${event.step} is ${event.r2}`);
    steps.push(event);
  }
  computed.step_loss = steps.map((step) => step.step_loss);
  if (config.clip_grad !== null) computed.grad_norm = steps.map((step) => step.grad_norm);
  const final = safetensors.read(await sae.save()).tensors;
  for (const [name, { values }] of Object.entries(final)) {
    if (`final.${name}` in tensors) computed[`final.${name}`] = values;
  }
  for (const [name, values] of Object.entries(await applied(sae, first))) computed[`eval.${name}`] = values;
  sae.free();
  return computed;
}

/** Norms over a batch go by what was learnt where a model is applied, of which there is nothing at first. */
const goesByTheBatch = (config) => config.encoder.includes('_bn_');

/** What a model makes of rows: the names of what comes from `applied`. */
const FORWARD = ['pre_codes', 'codes', 'x_hat', 'dictionary'];

async function applied(sae, x) {
  const { preCodes, codes } = await sae.encode(x);
  return { pre_codes: preCodes, codes, x_hat: await sae.decode(codes), dictionary: await sae.dictionary() };
}

/** The state before training as a file of the reference. */
function initial(tensors) {
  const init = Object.entries(tensors).filter(([name]) => name.startsWith('init.'));
  return safetensors.write(Object.fromEntries(init.map(([name, tensor]) => [name.slice(5), tensor])));
}

/** What such a file does not say. */
function overrides(config) {
  const { top_k, delta, kernel, bandwidth, normalization, use_multiplier } = config;
  return { topK: top_k, delta, kernel, bandwidth, normalization, useMultiplier: use_multiplier };
}

function training(config) {
  const warmup = Math.floor(config.steps / 4);
  return {
    epochs: 1,
    batchSize: config.batch,
    noShuffle: true,
    normalize: 'none',
    lr: config.lr,
    schedule: config.cosine ? `cosine:${warmup}:0.1` : 'constant',
    clipGrad: config.clip_grad,
    loss: loss(config),
  };
}

function loss({ loss, loss_params }) {
  switch (loss) {
    case 'mse':
      return 'mse';
    case 'mse_elastic':
      return `mse_elastic=${loss_params.alpha}`;
    case 'mse_reanimation':
      return `mse,reanimation=${loss_params.penalty}`;
    default:
      return `${loss}=${loss_params.penalty}`;
  }
}

const floats = (values) => Float32Array.from(values);

/** ‖a − b‖ / ‖b‖, with b the reference's. */
function relativeError(name, ours, reference) {
  if (ours.length !== reference.length) {
    throw new Error(`${name} has ${ours.length} values, not ${reference.length}`);
  }
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < ours.length; i++) {
    difference += (ours[i] - reference[i]) ** 2;
    norm += reference[i] ** 2;
  }
  return Math.sqrt(difference) / (Math.sqrt(norm) + 1e-30);
}
