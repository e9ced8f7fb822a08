import { describe, expect, test } from 'vitest';
import { search, sorted } from '../../src/atlas/concepts.ts';
import { MISSING } from '../../src/atlas/manifest.ts';
import type { ConceptTable } from '../../src/atlas/tables.ts';

const table: ConceptTable = {
  count: 4,
  energy: new Float32Array([1, 3, 0, 3]),
  frequency: new Float32Array([0.4, 0.2, 0, 0.3]),
  max: new Float32Array(4),
  mean: new Float32Array(4),
  purity: new Float32Array([0.5, 0.9, NaN, 0.9]),
  label: new Uint32Array([0, 1, MISSING, 0]),
  bestRow: new Uint32Array([5, 6, MISSING, 8]),
  xy: new Float32Array(8),
  entropy: new Float32Array([2, 0.5, 0.1, 1]),
  relaxation: new Float32Array(4),
};

describe('the list of concepts', () => {
  test('sorts with equals by id and dead ones last', () => {
    expect([...sorted(table, 'energy')]).toEqual([1, 3, 0, 2]);
    expect([...sorted(table, 'frequency')]).toEqual([0, 3, 1, 2]);
    expect([...sorted(table, 'purity')]).toEqual([1, 3, 0, 2]);
    expect([...sorted(table, 'points')]).toEqual([1, 3, 0, 2]);
    expect([...sorted(table, 'id')]).toEqual([0, 1, 2, 3]);
  });

  test('finds by id, label and words', () => {
    const find = (query: string) => [...search(table, ['food/bread', 'birds'], sorted(table, 'id'), query, (id) => ['a loaf', 'a heron', '', 'toast'][id])];
    expect(find('')).toEqual([0, 1, 2, 3]);
    expect(find('2')).toEqual([2]);
    expect(find('#3')).toEqual([3]);
    expect(find('bread')).toEqual([0, 3]);
    expect(find('BREAD toast')).toEqual([3]);
    expect(find('heron')).toEqual([1]);
    expect(find('nothing')).toEqual([]);
  });
});
