import { describe, expect, test } from 'vitest';
import { changed, formatRoute, parseRoute, type Route, START } from '../../src/state/route.ts';

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
      cell: 0,
      point: 12,
      find: 'dog bone',
    };
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  test('a cell stays with its example, and a point until another concept is chosen', () => {
    const here: Route = { ...START, view: 'examples', example: 17, cell: 3, concept: 5, point: 12 };
    expect(changed(here, { off: [1] })).toEqual({ ...here, off: [1] });
    expect(changed(here, { example: 18 }).cell).toBe(null);
    expect(changed(here, { example: 18, cell: 4 }).cell).toBe(4);
    expect(changed(here, { concept: 6 }).point).toBe(null);
    expect(changed(here, { set: 'words' })).toMatchObject({ cell: null, point: null });
  });

  test('what cannot be read is what it is at the start', () => {
    expect(parseRoute('#nowhere?concept=-1&example=x&sort=bad&colour=&size=huge&layout=9&off=.a.&cell=-2&point=p')).toEqual(START);
  });
});
