import { describe, expect, test } from 'vitest';
import { dominant, partsOf, reconstruct } from '../../src/atlas/reconstruct.ts';

// Two cells in three dimensions; concept 7 fires in both, concept 2 in the second.
const codes = { indptr: new Uint32Array([0, 1, 3]), indices: new Uint32Array([7, 7, 2]), values: new Float32Array([2, 1, 4]) };
const parts = partsOf(codes);
const atoms = parts.map(({ concept }) => new Float32Array(concept === 7 ? [1, 0, 0] : [0, 1, 0]));
const x = new Float32Array([2, 0, 0, 1, 4, 2]);

describe('an example', () => {
  test('is made of its concepts, strongest first', () => {
    expect(parts.map(({ concept, sum }) => [concept, sum])).toEqual([
      [2, 4],
      [7, 3],
    ]);
    expect([...parts[0].byCell]).toEqual([0, 4]);
  });

  test('has the strongest concept of each cell', () => {
    expect([...dominant(parts, 2)]).toEqual([1, 0]);
    expect([...dominant(parts.slice(0, 1), 2)]).toEqual([-1, 0]);
  });

  test('is given back by them', () => {
    const all = reconstruct(x, 3, parts, atoms, new Set());
    expect([...all.error]).toEqual([0, Math.fround(4 / 21)]);
    expect(all.r2).toBeCloseTo(1 - 4 / 25);
    const without = reconstruct(x, 3, parts, atoms, new Set([2]));
    expect([...without.error]).toEqual([0, Math.fround(20 / 21)]);
    expect(without.r2).toBeCloseTo(1 - 20 / 25);
  });
});
