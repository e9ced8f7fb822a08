import { describe, expect, test } from 'vitest';
import { Cache } from '../../src/atlas/cache.ts';
import { filesFor, piecesOf } from '../../src/atlas/chunks.ts';

describe('chunks', () => {
  test('one piece within a file', () => {
    expect(piecesOf(49, 49, 4067)).toEqual([{ file: 0, from: 49, count: 49, at: 0 }]);
  });
  test('pieces of neighbouring files join without a gap', () => {
    expect(piecesOf(8, 10, 4)).toEqual([
      { file: 2, from: 0, count: 4, at: 0 },
      { file: 3, from: 0, count: 4, at: 4 },
      { file: 4, from: 0, count: 2, at: 8 },
    ]);
    expect(piecesOf(3, 2, 4)).toEqual([
      { file: 0, from: 3, count: 1, at: 0 },
      { file: 1, from: 0, count: 1, at: 1 },
    ]);
  });
  test('nothing asked, nothing read', () => expect(piecesOf(5, 0, 4)).toEqual([]));
  test('the last file may be short', () => {
    expect(filesFor(9, 4)).toBe(3);
    expect(filesFor(8, 4)).toBe(2);
    expect(filesFor(0, 4)).toBe(0);
  });
});

describe('cache', () => {
  const load = (value: string) => () => Promise.resolve(value);
  const size = (value: string) => value.length;

  test('asks once for what is under way and for what it has', async () => {
    const cache = new Cache<string>(100, size);
    let asked = 0;
    const slow = async () => {
      asked++;
      return 'x';
    };
    await Promise.all([cache.get('a', slow), cache.get('a', slow)]);
    await cache.get('a', slow);
    expect(asked).toBe(1);
    expect(cache.peek('a')).toBe('x');
  });

  test('lets the least recently used go beyond its bound', async () => {
    const cache = new Cache<string>(10, size);
    await cache.get('a', load('aaaa'));
    await cache.get('b', load('bbbb'));
    await cache.get('a', load('never'));
    await cache.get('c', load('cccc'));
    expect(cache.peek('b')).toBeUndefined();
    expect(cache.peek('a')).toBe('aaaa');
    expect(cache.bytes).toBe(8);
  });

  test('keeps the newest even if it is larger than the bound', async () => {
    const cache = new Cache<string>(3, size);
    await cache.get('a', load('aa'));
    await cache.get('b', load('bbbbbb'));
    expect(cache.peek('b')).toBe('bbbbbb');
    expect(cache.peek('a')).toBeUndefined();
  });

  test('does not keep a failure', async () => {
    const cache = new Cache<string>(10, size);
    await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('a', load('yes'))).toBe('yes');
  });
});
