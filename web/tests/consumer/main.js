/** A page as somebody else would write it: the package in the page, and in a worker. */

import { Data, Device, TopKSae } from 'archetypal';

const device = await Device.open({ backend: 'cpu' });
const sae = await TopKSae.create({ inputShape: 4, nbConcepts: 8, topK: 2, device });
const data = Data.fromArray(new Float32Array(40).map(Math.random), 4);
const { codes } = await sae.encode(data.read(0, 10));

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data: name }) => {
  document.title = `${device.name}, ${codes.length} codes; in the worker ${name}`;
};
