import { signal } from '@preact/signals';
import type { TrainEvent } from 'archetypal';

/** What training has told so far. */
export interface Curves {
  steps: number[];
  loss: number[];
  r2: (number | null)[];
  l0: number[];
  epochs: number[];
  dead: number[];
  rowsPerSecond: number;
  /** Steps of the whole run. */
  of: number;
  warnings: string[];
}

export const EMPTY: Curves = { steps: [], loss: [], r2: [], l0: [], epochs: [], dead: [], rowsPerSecond: 0, of: 0, warnings: [] };

export const curves = signal<Curves>(EMPTY);

/** Curves are thinned beyond so many steps. */
const MOST_STEPS = 4000;
const RATE_WINDOW_MS = 4000;
/** Over less time there is no rate to speak of. */
const SHORTEST_MS = 200;
let clock: { at: number; rows: number }[] = [];

export function clearCurves(): void {
  curves.value = EMPTY;
  clock = [];
}

/** Adds what happened. A run that goes on from an earlier step takes the place of what came after it. */
export function addEvents(events: TrainEvent[], now: number): void {
  const next = { ...curves.value };
  next.steps = [...next.steps];
  next.loss = [...next.loss];
  next.r2 = [...next.r2];
  next.l0 = [...next.l0];
  let rows = 0;
  for (const event of events) {
    if (event.event === 'configuration') begin(next, event.steps, event.from_step, now);
    else if (event.event === 'step') {
      next.steps.push(event.step);
      next.loss.push(event.step_loss);
      next.r2.push(event.r2);
      next.l0.push(event.l0);
      rows += event.rows;
    } else if (event.event === 'epoch') {
      const before = next.epochs.filter((epoch) => epoch <= event.epoch).length;
      next.epochs = [...next.epochs.slice(0, before), event.epoch + 1];
      next.dead = [...next.dead.slice(0, before), event.dead_features];
    } else if (event.event === 'warning') next.warnings = [...next.warnings, event.message];
  }
  next.rowsPerSecond = rate(rows, now) ?? next.rowsPerSecond;
  curves.value = next.steps.length > MOST_STEPS ? thinned(next) : next;
}

function begin(curve: Curves, of: number, from: number, now: number): void {
  curve.of = of;
  clock = [{ at: now, rows: 0 }];
  const kept = curve.steps.filter((step) => step < from).length;
  curve.steps.length = curve.loss.length = curve.r2.length = curve.l0.length = kept;
}

/** Every other step, but the last in any case. */
function thinned(curve: Curves): Curves {
  const odd = curve.steps.length % 2;
  const keep = <T>(values: T[]) => values.filter((_, i) => i % 2 !== odd);
  return { ...curve, steps: keep(curve.steps), loss: keep(curve.loss), r2: keep(curve.r2), l0: keep(curve.l0) };
}

/** Rows a second over the last few seconds; a GPU tells of many steps at once, so it reaches back to the news before. */
function rate(rows: number, now: number): number | undefined {
  if (rows) clock.push({ at: now, rows });
  while (clock.length > 2 && now - clock[1].at > RATE_WINDOW_MS) clock.shift();
  const [first, ...later] = clock;
  if (!later.length || now - first.at < SHORTEST_MS) return undefined;
  return (1000 * later.reduce((total, { rows: some }) => total + some, 0)) / (now - first.at);
}
