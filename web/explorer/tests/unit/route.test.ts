import { describe, expect, test } from 'vitest';
import { formatRoute, parseRoute, type Route, START } from '../../src/state/route.ts';

describe('links', () => {
  test('the start is the shortest', () => {
    expect(formatRoute(START)).toBe('#concepts');
    expect(parseRoute('')).toEqual(START);
  });

  test('everything comes back', () => {
    const route: Route = {
      view: 'examples',
      set: 'words',
      concept: 0,
      example: 17,
      sort: 'purity',
      query: 'a & b=ü?#',
      colour: 'entropy',
      size: 'max',
      layout: 'umap',
      heat: false,
      off: [3, 0, 511],
      find: 'dog bone',
    };
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  test('what cannot be read is what it is at the start', () => {
    expect(parseRoute('#nowhere?concept=-1&example=x&sort=bad&colour=&size=huge&layout=9&off=.a.')).toEqual(START);
  });
});
