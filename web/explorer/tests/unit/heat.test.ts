import { describe, expect, test } from 'vitest';
import { heatColour, smooth } from '../../src/ui/heat.ts';

describe('heat maps', () => {
  test('an even grid stays even', () => {
    const field = smooth(new Array(49).fill(100), [7, 7], [56, 56], 255);
    for (const value of field) expect(value).toBeCloseTo(100, 3);
  });

  test('the middle of a cell has the cell\'s value, and each output cell is in its place', () => {
    const cells = Array.from({ length: 6 }, (_, i) => 40 * i);
    const field = smooth(cells, [2, 3], [2 * 9, 3 * 9], 255);
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 3; x++) expect(field[(9 * y + 4) * 27 + 9 * x + 4]).toBeCloseTo(40 * (3 * y + x), 3);
    }
  });

  test('never leaves the range', () => {
    const field = smooth([0, 255, 0, 255, 0, 255, 0, 255, 0], [3, 3], [30, 30], 255);
    expect(Math.min(...field)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...field)).toBeLessThanOrEqual(255);
  });

  test('a single cell fills all', () => {
    expect([...smooth([9], [1, 1], [2, 2], 10)].map((value) => Math.round(value))).toEqual([9, 9, 9, 9]);
  });

  test('colours are clear at 0 and grow denser and darker', () => {
    expect(heatColour(0)[3]).toBe(0);
    const lightness = ([r, g, b]: number[]) => 0.2 * r + 0.7 * g + 0.1 * b;
    let last = heatColour(0.05);
    for (let t = 0.1; t <= 1.001; t += 0.05) {
      const now = heatColour(t);
      expect(now[3]).toBeGreaterThanOrEqual(last[3]);
      expect(lightness(now)).toBeLessThan(lightness(last));
      last = now;
    }
  });
});
