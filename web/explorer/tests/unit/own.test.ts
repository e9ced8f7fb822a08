import { describe, expect, test } from 'vitest';
import { writeSafetensors } from '../../src/atlas/write.ts';
import { checkExamples, examplesOf, kindOf, NOTHING, parseExamples, parseGrid, sortFiles, squareGrid } from '../../src/state/own.ts';

const file = (name: string, body: BlobPart = '') => new File([body], name);

describe('files of the visitor\'s own', () => {
  test('are told apart', async () => {
    const model = writeSafetensors({ w: { shape: [1, 1], values: new Float32Array(1) } }, { archetypal: '{}' });
    const data = writeSafetensors({ a: { shape: [2, 1], values: new Float32Array(2) }, b: { shape: [2], values: new Float32Array(2) } });
    const own = await sortFiles(NOTHING, [
      file('sae.safetensors', model),
      file('x.safetensors', data),
      file('e.jsonl', '{"text":"one"}\n\n{"text":"two","label":7}\n'),
      file('p.PNG'),
    ]);
    expect(own.model?.name).toBe('sae.safetensors');
    expect(own.data?.name).toBe('x.safetensors');
    expect(own.tensors).toEqual(['a']);
    expect(own.examples?.items.map(({ label }) => label)).toEqual([undefined, '7']);
    expect([...own.pictures.keys()]).toEqual(['p.PNG']);
  });

  test('that are of no use are named', async () => {
    await expect(sortFiles(NOTHING, [file('notes.txt')])).rejects.toThrow('notes.txt: give activations');
    await expect(sortFiles(NOTHING, [file('x.safetensors', 'abc')])).rejects.toThrow('only 3 bytes');
    expect(() => parseExamples('e.jsonl', '{"text":1}\n[1]')).toThrow('e.jsonl, line 2: not an object');
    expect(() => parseExamples('e.jsonl', 'oops')).toThrow('line 1: not JSON');
  });

  test('pictures alone are examples, in the order of their numbers', () => {
    const pictures = new Map(['b10.png', 'b9.png'].map((name) => [name, file(name)]));
    const examples = examplesOf({ ...NOTHING, pictures });
    expect(examples.map(({ name }) => name)).toEqual(['b9', 'b10']);
    expect(kindOf(examples)).toBe('images');
    expect(kindOf([])).toBe('rows');
    expect(kindOf([{ text: 'a' }])).toBe('texts');
  });

  test('grids are read and guessed', () => {
    expect(parseGrid(' 7 × 8')).toEqual([7, 8]);
    expect(parseGrid('')).toBeUndefined();
    expect(() => parseGrid('7')).toThrow('as in 7x7');
    expect(squareGrid(6272, 128)).toEqual([7, 7]);
    expect(squareGrid(100, 100)).toBeUndefined();
    expect(squareGrid(600, 100)).toBeUndefined();
  });

  test('what does not fit together is said', () => {
    expect(() => checkExamples(10, null, 9)).toThrow('There are 9 examples for 10 rows: there should be 10');
    expect(() => checkExamples(10, [3, 3], 0)).toThrow('no whole number of grids of 9');
    expect(() => checkExamples(98, [7, 7], 2)).not.toThrow();
  });
});
