import { describe, expect, test } from 'vitest';
import { sharedWords, wordsOf } from '../../src/ui/words.tsx';
import { duration, figure, percent, size, whole } from '../../src/ui/text.ts';

describe('words', () => {
  test('are cut to meet their singulars, common ones left out', () => {
    expect([...wordsOf("The dog's dogs: any grass")]).toEqual(['dog', 'grass']);
  });
  test('that texts share stand out against others', () => {
    expect(sharedWords(['red bird', 'blue birds', 'a red box'], ['red house', 'red tree', 'green hill', 'box'], 5)).toEqual(['bird']);
  });
});

describe('figures', () => {
  test('have the digits that count', () => {
    expect(figure(0.123456)).toBe('0.123');
    expect(figure(0.00012345)).toBe('1.2·10⁻⁴');
    expect(figure(NaN)).toBe('–');
    expect(percent(0.5)).toBe('50 %');
    expect(percent(0.0123)).toBe('1.2 %');
    expect(percent(0.00001)).toBe('< 0.01 %');
    expect(whole(1234567)).toBe('1\u202f234\u202f567');
    expect(size(3 * 2 ** 20)).toBe('3.0 MiB');
    expect(duration(125)).toBe('2 min 5 s');
  });
});
