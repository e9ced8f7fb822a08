import { type Data, type Device, load, Run, type Sae, type TrainEvent } from 'archetypal';
import type { Gate } from './gate.ts';
import type { FitSettings, Happening } from './protocol.ts';

/** Several events are told of together, at most so often. */
const TELL_EVERY_MS = 120;

export interface Fitted {
  sae: Sae;
  stopped: boolean;
}

/** The state at the end of the last epoch, from which a run goes on after its device was lost. */
export interface Saved {
  bytes: Uint8Array;
  epochs: number;
}

export interface Ear {
  tell: (happening: Happening) => void;
  saved: (state: Saved) => void;
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
    schedule,
    seed,
    normalize,
    loss,
    device,
    ...(archetypal ? { points, delta } : {}),
    ...(jump ? { targetL0 } : { topK }),
  };
}

/** Trains a model from the start. */
export async function fit(data: Data, settings: FitSettings, device: Device, gate: Gate, ear: Ear): Promise<Fitted> {
  const run = await Run.create(data, {
    ...fitOptions(settings, device),
    onProgress: ({ phase, done, of }: { phase: string; done: number; of: number }) =>
      ear.tell({ event: 'progress', what: phase === 'seeding' ? 'Drawing points' : phase === 'iteration' ? 'Moving points' : phase, done, of }),
  });
  try {
    const stopped = await follow(run[Symbol.asyncIterator](), gate, ear, async (epochs) => ({ bytes: await run.save(), epochs }));
    return { sae: run.sae(), stopped };
  } catch (error) {
    run.free();
    throw error;
  }
}

/** Goes on from the last epoch that was saved, with a fresh optimiser. */
export async function goOn(data: Data, settings: FitSettings, saved: Saved, device: Device, gate: Gate, ear: Ear): Promise<Fitted> {
  const sae = await load(saved.bytes, { device });
  const { epochs, batchSize, lr, schedule, seed, loss, model, targetL0 } = settings;
  const options = { epochs: epochs - saved.epochs, batchSize, lr, schedule, seed: seed + 1, loss, ...(model.endsWith('jump') ? { targetL0 } : {}) };
  try {
    const keep = async (done: number) => ({ bytes: await sae.save(), epochs: saved.epochs + done });
    return { sae, stopped: await follow(sae.train(data, options), gate, ear, keep, saved.epochs) };
  } catch (error) {
    sae.free();
    throw error;
  }
}

/** Takes step after step until the end, or until stopped; true if it was stopped. */
async function follow(
  steps: AsyncIterator<TrainEvent>,
  gate: Gate,
  ear: Ear,
  keep: (epochs: number) => Promise<Saved>,
  firstEpoch = 0,
): Promise<boolean> {
  let gathered: TrainEvent[] = [];
  let told = performance.now();
  const tell = () => {
    if (gathered.length) ear.tell({ event: 'train', happened: gathered });
    gathered = [];
    told = performance.now();
  };
  try {
    for (;;) {
      if (!(await gate.pass())) {
        await steps.return?.();
        return true;
      }
      const { done, value } = await steps.next();
      if (done) return false;
      gathered.push('epoch' in value ? { ...value, epoch: value.epoch + firstEpoch } : value);
      if (value.event === 'epoch') {
        tell();
        ear.saved(await keep(value.epoch + 1));
      } else if (performance.now() - told > TELL_EVERY_MS) tell();
    }
  } finally {
    tell();
  }
}
