import { type Data, type Device, type FitProgress, Run, type Sae, type TrainEvent } from 'archetypal';
import type { Gate } from './gate.ts';
import type { FitSettings, Happening } from './protocol.ts';

/** A state is kept at most so often: reading all of it back takes time. */
const SAVE_EVERY_MS = 15_000;
/** Several events are told of together, at most so often. */
const TELL_EVERY_MS = 120;

/** What `schedule` says where the visitor has not chosen. */
export const USUAL_SCHEDULE = 'cosine:0:0.1';

export interface Fitted {
  sae: Sae;
  stopped: boolean;
}

export interface Ear {
  tell: (happening: Happening) => void;
  /** The state at the end of an epoch, from which a run goes on after its device was lost. */
  saved: (state: Uint8Array) => void;
}

/** The settings under the names that the package has for them. */
export function fitOptions(settings: FitSettings, device: Device) {
  const { model, concepts, points, topK, delta, targetL0, epochs, batchSize, lr, schedule, seed, normalize, loss } = settings;
  const archetypal = model.startsWith('ra-');
  const jump = model.endsWith('jump');
  return {
    model,
    concepts,
    epochs,
    batchSize,
    lr,
    seed,
    normalize,
    loss,
    device,
    // Any other schedule than the usual one is asked for; the preset's warms up first.
    ...(schedule === USUAL_SCHEDULE ? {} : { schedule }),
    ...(archetypal ? { points, deltaRelative: delta } : {}),
    // Without direct thresholds, jump's hardly move within a short run.
    ...(jump ? { targetL0, thresholds: 'direct' as const } : { topK }),
  };
}

const PHASES: Record<FitProgress['phase'], string> = {
  statistics: 'Reading the rows',
  seeding: 'Drawing points',
  iteration: 'Moving points',
  start: 'Finding initial values',
  kernels: 'Making kernels',
};

/** Trains a model from the start. */
export async function fit(data: Data, settings: FitSettings, device: Device, gate: Gate, ear: Ear): Promise<Fitted> {
  const onProgress = ({ phase, done, of }: FitProgress) => ear.tell({ event: 'progress', what: PHASES[phase], done, of });
  const run = await Run.create(data, { ...fitOptions(settings, device), onProgress });
  return finish(run, device, gate, ear);
}

/** Goes on with a run from the state that was saved. */
export async function goOn(data: Data, saved: Uint8Array, device: Device, gate: Gate, ear: Ear): Promise<Fitted> {
  return finish(await Run.resume(saved, data, { device }), device, gate, ear);
}

async function finish(run: Run, device: Device, gate: Gate, ear: Ear): Promise<Fitted> {
  try {
    const stopped = await follow(run, device.isGpu, gate, ear);
    return { sae: run.sae(), stopped };
  } catch (error) {
    run.free();
    throw error;
  }
}

/** Takes step after step until the end, or until stopped; true if it was stopped. A GPU's state is saved now and then. */
async function follow(run: Run, keep: boolean, gate: Gate, ear: Ear): Promise<boolean> {
  let gathered: TrainEvent[] = [];
  let told = performance.now();
  let saved = -Infinity;
  const tell = () => {
    if (gathered.length) ear.tell({ event: 'train', happened: gathered });
    gathered = [];
    told = performance.now();
  };
  try {
    for await (const event of run) {
      gathered.push(event);
      if (event.event !== 'step' || performance.now() - told > TELL_EVERY_MS) tell();
      if (event.event === 'epoch' && keep && performance.now() - saved > SAVE_EVERY_MS) {
        ear.saved(await run.save());
        saved = performance.now();
      }
      if (!(await gate.pass())) return true;
    }
    return false;
  } finally {
    tell();
  }
}
