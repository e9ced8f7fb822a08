import { signal } from '@preact/signals';
import { SORTS, type Sort } from '../atlas/concepts.ts';

export const VIEWS = ['concepts', 'map', 'examples', 'train', 'stability'] as const;
export type View = (typeof VIEWS)[number];
export const COLOURS = ['label', 'energy', 'frequency', 'purity', 'entropy'] as const;
export type Colour = (typeof COLOURS)[number];
export const SIZES = ['energy', 'frequency', 'max', 'equal'] as const;
export type Size = (typeof SIZES)[number];
export const LAYOUTS = ['pca', 'umap'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** All that a link restores. */
export interface Route {
  view: View;
  /** Name of a shipped set, or of one made here; empty: the first there is. */
  set: string;
  concept: number | null;
  example: number | null;
  sort: Sort;
  query: string;
  colour: Colour;
  size: Size;
  layout: Layout;
  heat: boolean;
  /** Concepts switched off in the example that is shown. */
  off: number[];
  /** The cell of the example that is looked at. */
  cell: number | null;
  /** The point of the map that is looked at. */
  point: number | null;
  /** Search among examples. */
  find: string;
}

export const START: Route = {
  view: 'concepts',
  set: '',
  concept: null,
  example: null,
  sort: 'energy',
  query: '',
  colour: 'label',
  size: 'energy',
  layout: 'pca',
  heat: true,
  off: [],
  cell: null,
  point: null,
  find: '',
};

const oneOf = <T extends string>(allowed: readonly T[], text: string | null, otherwise: T): T =>
  allowed.includes(text as T) ? (text as T) : otherwise;

const count = (text: string | null): number | null => (text !== null && /^\d+$/.test(text) ? Number(text) : null);

/** `#view?key=value&…`; whatever cannot be read is what it is at the start. */
export function parseRoute(hash: string): Route {
  const [view, query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const given = new URLSearchParams(query);
  return {
    view: oneOf(VIEWS, view, START.view),
    set: given.get('set') ?? '',
    concept: count(given.get('concept')),
    example: count(given.get('example')),
    sort: oneOf(Object.keys(SORTS) as Sort[], given.get('sort'), START.sort),
    query: given.get('q') ?? '',
    colour: oneOf(COLOURS, given.get('colour'), START.colour),
    size: oneOf(SIZES, given.get('size'), START.size),
    layout: oneOf(LAYOUTS, given.get('layout'), START.layout),
    heat: given.get('heat') !== 'off',
    off: (given.get('off') ?? '').split('.').map(count).filter((id) => id !== null),
    cell: count(given.get('cell')),
    point: count(given.get('point')),
    find: given.get('find') ?? '',
  };
}

/** The shortest hash that [`parseRoute`] reads back. */
export function formatRoute(route: Route): string {
  const given = new URLSearchParams();
  const add = (key: string, value: string | number | null, usual: string | number | null) => {
    if (value !== usual && value !== null) given.set(key, String(value));
  };
  add('set', route.set, '');
  add('concept', route.concept, null);
  add('example', route.example, null);
  add('sort', route.sort, START.sort);
  add('q', route.query, '');
  add('colour', route.colour, START.colour);
  add('size', route.size, START.size);
  add('layout', route.layout, START.layout);
  add('heat', route.heat ? '' : 'off', '');
  add('off', route.off.join('.'), '');
  add('cell', route.cell, null);
  add('point', route.point, null);
  add('find', route.find, '');
  const query = given.toString();
  return `#${route.view}${query ? `?${query}` : ''}`;
}

/** Where the page is. Change it with [`go`]. */
export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

/** Some of it changed; a cell belongs to its example, and a chosen point gives way to another concept. */
export function changed(from: Route, change: Partial<Route>): Route {
  const next = { ...from, ...change };
  const stays = (...keys: (keyof Route)[]) => keys.every((key) => next[key] === from[key]);
  if (!stays('set', 'example')) next.cell = change.cell ?? null;
  if (!stays('set', 'concept')) next.point = change.point ?? null;
  return next;
}

/** The hash of here with some of it changed, for links. */
export function linkTo(change: Partial<Route>): string {
  return formatRoute(changed(route.value, change));
}

/** Goes there. `replace`: without a step in the browser's history, for what changes as one types. */
export function go(change: Partial<Route>, replace = false): void {
  const next = changed(route.value, change);
  const hash = formatRoute(next);
  if (hash !== location.hash) {
    if (replace) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
  }
  route.value = next;
}

/** Follows the address bar and the back button. */
export function followHistory(): void {
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
}
