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
let clock: { at: number; rows: number }[] = [];

export function clearCurves(): void {
  curves.value = EMPTY;
  clock = [];
}

/** Adds what happened. Steps go on from the last one there is when a run was taken up again. */
export function addEvents(events: TrainEvent[], now: number): void {
  const next: Curves = { ...curves.value };
  const [steps, loss, r2, l0] = [[...next.steps], [...next.loss], [...next.r2], [...next.l0]];
  let rows = 0;
  for (const event of events) {
    if (event.event === 'configuration') next.of = Math.max(next.of, event.steps);
    else if (event.event === 'step') {
      const last = steps.at(-1) ?? -1;
      steps.push(event.step > last ? event.step : last + 1);
      loss.push(event.step_loss);
      r2.push(event.r2);
      l0.push(event.l0);
      rows += event.rows;
    } else if (event.event === 'epoch') {
      next.epochs = [...next.epochs, event.epoch + 1];
      next.dead = [...next.dead, event.dead_features];
    } else if (event.event === 'warning') next.warnings = [...next.warnings, event.message];
  }
  next.rowsPerSecond = rate(rows, now) ?? next.rowsPerSecond;
  const thin = steps.length > MOST_STEPS;
  const keep = <T>(values: T[]) => (thin ? values.filter((_, i) => i % 2 === 0) : values);
  curves.value = { ...next, steps: keep(steps), loss: keep(loss), r2: keep(r2), l0: keep(l0) };
}

/** Rows a second over the last few seconds. */
function rate(rows: number, now: number): number | undefined {
  if (rows) clock.push({ at: now, rows });
  clock = clock.filter(({ at }) => now - at < 4000);
  const [first] = clock;
  if (clock.length < 2) return undefined;
  const sum = clock.slice(1).reduce((total, { rows: some }) => total + some, 0);
  return (1000 * sum) / (now - first.at);
}
