import type { Data, Device } from 'archetypal';
import { bestRows } from './codes.ts';
import { fit } from './fit.ts';
import type { Gate } from './gate.ts';
import type { FitSettings, Happening, Pair, StabilityResult } from './protocol.ts';

type Tell = (happening: Happening) => void;

/** Trains two seeds of an archetypal and two of a free model; null if it was stopped. */
export async function compare(data: Data, settings: FitSettings, device: Device, gate: Gate, tell: Tell): Promise<StabilityResult | null> {
  const archetypal = await pair(data, { ...settings, model: 'ra-topk' }, device, gate, (done, what) =>
    tell({ event: 'progress', what: `Archetypal, ${what}`, done, of: 4 }),
  );
  if (!archetypal) return null;
  const free = await pair(data, { ...settings, model: 'topk' }, device, gate, (done, what) =>
    tell({ event: 'progress', what: `Free, ${what}`, done: 2 + done, of: 4 }),
  );
  return free && { archetypal, free };
}

async function pair(
  data: Data,
  settings: FitSettings,
  device: Device,
  gate: Gate,
  say: (done: number, what: string) => void,
): Promise<Pair | null> {
  const models = [];
  try {
    for (const i of [0, 1]) {
      const seed = `seed ${settings.seed + i}`;
      say(i, seed);
      const tell = (happening: Happening) => {
        if (happening.event === 'progress') say(i, `${seed}: ${happening.what.toLowerCase()}`);
        if (happening.event !== 'train') return;
        const epoch = happening.happened.findLast((event) => event.event === 'epoch');
        if (epoch) say(i + (epoch.epoch + 1) / settings.epochs, seed);
      };
      const { sae, stopped } = await fit(data, { ...settings, seed: settings.seed + i }, device, gate, { tell, saved: () => undefined });
      models.push(sae);
      if (stopped) return null;
    }
    say(2, 'comparing');
    const [first, second] = models;
    const agreement = await first.agreement(second);
    return {
      agreement,
      r2: [(await first.evaluate(data)).r2, (await second.evaluate(data)).r2],
      best: [await bestRows(first, data), await bestRows(second, data)],
    };
  } finally {
    for (const model of models) model.free();
  }
}
