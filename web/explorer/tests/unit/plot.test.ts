import { expect, test } from 'vitest';
import { logMarks } from '../../src/ui/log-marks.ts';

const values = (low: number, high: number) => logMarks(Math.log10(low), Math.log10(high)).map((mark) => Number((10 ** mark).toPrecision(3)));

test('a logarithmic axis has a few round marks, whatever its range', () => {
  expect(values(0.3, 4)).toEqual([0.5, 1, 2]);
  expect(values(0.1, 20)).toEqual([0.1, 0.3, 1, 3, 10]);
  expect(values(1e-4, 10)).toEqual([0.0001, 0.001, 0.01, 0.1, 1, 10]);
  expect(values(1e-30, 1).length).toBeLessThan(12);
  expect(values(1, 1)).toEqual([1]);
});
