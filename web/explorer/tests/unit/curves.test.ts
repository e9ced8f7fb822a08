import type { TrainEvent } from 'archetypal';
import { beforeEach, expect, test } from 'vitest';
import { addEvents, clearCurves, curves } from '../../src/state/curves.ts';

const step = (number: number): TrainEvent => ({ event: 'step', step: number, epoch: 0, rows: 100, step_loss: 1, r2: 0.5, l0: 4, grad_norm: 1, lr: 1 });
const epoch = (number: number, dead: number): TrainEvent => ({
  event: 'epoch', epoch: number, avg_loss: 1, r2: 0.5, r2_scalar_mean: 0.5, z_sparsity: 4, dead_features: dead, dead_in_window: dead, time_epoch: 1, rows_per_second: 1,
});
const configuration = (from: number) => ({ event: 'configuration', steps: 6, from_step: from }) as unknown as TrainEvent;

beforeEach(clearCurves);

test('steps and epochs become curves, and rows a second come from the clock', () => {
  addEvents([configuration(0)], 1000);
  addEvents([step(0), step(1)], 1500);
  addEvents([step(2), epoch(0, 0.25)], 2000);
  expect(curves.value.steps).toEqual([0, 1, 2]);
  expect(curves.value.epochs).toEqual([1]);
  expect(curves.value.dead).toEqual([0.25]);
  expect(curves.value.of).toBe(6);
  expect(curves.value.rowsPerSecond).toBeCloseTo(300);
});

test('a run that goes on takes the place of what came after its state', () => {
  addEvents([configuration(0), step(0), step(1), epoch(0, 0), step(2), step(3), epoch(1, 0.5), step(4)], 0);
  addEvents([configuration(2), step(2), step(3), epoch(1, 0.25)], 0);
  expect(curves.value.steps).toEqual([0, 1, 2, 3]);
  expect(curves.value.epochs).toEqual([1, 2]);
  expect(curves.value.dead).toEqual([0, 0.25]);
});

test('long curves are thinned and keep their last step', () => {
  addEvents(Array.from({ length: 4101 }, (_, i) => step(i)), 0);
  expect(curves.value.steps.length).toBeLessThan(2100);
  expect(curves.value.steps.at(-1)).toBe(4100);
});
