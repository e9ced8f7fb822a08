/** A short training on the CPU, and how often messages got through meanwhile. */

import { Device, TopKSae } from '../../archetypal/dist/index.js';

const [rows, width] = [2048, 32];
const values = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 0.37) + (i % width));
let turns = 0;
const { port1, port2 } = new MessageChannel();
port2.onmessage = () => {
  turns++;
  setTimeout(() => port1.postMessage(null), 1);
};
port1.postMessage(null);

const device = await Device.open({ backend: 'cpu' });
const sae = await TopKSae.create({ inputShape: width, nbConcepts: 128, topK: 4, device });
let steps = 0;
let last;
for await (const event of sae.train(values, { epochs: 40, batchSize: 512 })) {
  if (event.event === 'step') steps++;
  if (event.event === 'epoch') last = event;
}
postMessage({ device: device.name, steps, turns, r2: last.r2 });
