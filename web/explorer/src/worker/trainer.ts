import { Data, init, load, type Sae } from 'archetypal';
import { deviceFor, wasLost } from './devices.ts';
import { fit, goOn } from './fit.ts';
import { Gate } from './gate.ts';
import type { Call, Calls, FromWorker, Happening, ToWorker } from './protocol.ts';
import { compare } from './stability.ts';

/** The worker that holds data and models. The page never waits for it. */

const post = (message: FromWorker, transfer: Transferable[] = []) => postMessage(message, { transfer });
const tell = (happening: Happening) => post(happening);
const gate = new Gate((paused) => tell({ event: 'paused', paused }));

let data: Data | null = null;
let sae: Sae | null = null;
/** State of the run that is under way, or that lost its device. */
let saved: Uint8Array | null = null;

function held<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`There is no ${what} yet.`);
  return value;
}

function keep(model: Sae): void {
  sae?.free();
  sae = model;
}

const answers: { [C in Call]: (ask: Calls[C]['ask']) => Promise<Calls[C]['answer']> } = {
  async data({ name, bytes, tensor, grid }) {
    const read = Data.fromBytes(name, new Uint8Array(bytes), tensor ? { tensor } : {});
    const taken = grid ? regridded(read, grid) : read;
    data?.free();
    data = taken;
    saved = null;
    return { name: data.name, rows: data.rows, width: data.width, grid: data.grid };
  },

  async train({ settings, resume }) {
    const from = held(data, 'data');
    gate.reset();
    const device = await deviceFor(settings.backend, tell);
    const ear = { tell, saved: (state: Uint8Array) => (saved = state) };
    const last = resume ? saved : null;
    saved = last;
    const { sae: model, stopped } = last
      ? await goOn(from, last, device, gate, ear)
      : await fit(from, settings, device, gate, ear);
    keep(model);
    return { stopped };
  },

  async model({ bytes, backend }) {
    keep(await load(new Uint8Array(bytes), { device: await deviceFor(backend, tell) }));
    return { concepts: held(sae, 'model').nbConcepts };
  },

  async atlas({ title, kind, labels }) {
    const onProgress = (done: number, of: number) => tell({ event: 'progress', what: 'Looking at every concept', done, of });
    return held(sae, 'model').atlas(held(data, 'data'), { title, kind, ...(labels ? { labels } : {}), onProgress });
  },

  save: () => held(sae, 'model').save(),

  async stability({ settings }) {
    const from = held(data, 'data');
    gate.reset();
    return compare(from, settings, await deviceFor(settings.backend, tell), gate, tell);
  },
};

/** The same rows with a grid that the file does not say. */
function regridded(read: Data, grid: [number, number]): Data {
  try {
    return Data.fromArray(read.read(0, read.rows), read.width, { name: read.name, grid });
  } finally {
    read.free();
  }
}

/** Buffers that the page gets for its own. */
function buffersOf(answer: unknown): Transferable[] {
  const views = answer instanceof Map ? [...answer.values()] : [answer];
  return views.filter((view) => view instanceof Uint8Array).map((view) => view.buffer as ArrayBuffer);
}

async function respond<C extends Call>(id: number, call: C, ask: Calls[C]['ask']): Promise<void> {
  try {
    await init();
    const answer = await answers[call](ask);
    post({ id, answer }, [...new Set(buffersOf(answer))]);
  } catch (error) {
    post({ id, failed: error instanceof Error ? error.message : String(error), lost: call !== 'data' && wasLost() });
  }
}

addEventListener('message', ({ data: message }: MessageEvent<ToWorker>) => {
  if ('order' in message) gate[message.order]();
  else void respond(message.id, message.call, message.ask);
});
