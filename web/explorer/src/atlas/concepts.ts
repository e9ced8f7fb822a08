import type { ConceptTable } from './tables.ts';
import { MISSING } from './manifest.ts';

/** What a list of concepts can be sorted by. */
export const SORTS = {
  energy: { label: 'Energy', title: 'Mean of the squared code over all rows: how much of the data it carries' },
  frequency: { label: 'Frequency', title: 'Share of rows in which it fires' },
  purity: { label: 'Label purity', title: 'Share of its energy that falls on its most common label' },
  points: { label: 'Fewest points', title: 'Atoms made of the fewest points first (by the entropy of the mixture)' },
  id: { label: 'Id', title: 'In the order of the dictionary' },
} as const;
export type Sort = keyof typeof SORTS;

/** Ids of all concepts, sorted; what does not exist comes last, equals by id. */
export function sorted(table: ConceptTable, by: Sort): Uint32Array {
  const ids = Uint32Array.from({ length: table.count }, (_, i) => i);
  if (by === 'id') return ids;
  const key = by === 'points' ? table.entropy.map((value) => -value) : table[by];
  const value = (id: number) => (Number.isNaN(key[id]) || isDead(table, id) ? -Infinity : key[id]);
  return ids.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x === y ? a - b : y - x;
  });
}

/** Whether a concept never fires. */
export function isDead(table: ConceptTable, concept: number): boolean {
  return table.bestRow[concept] === MISSING;
}

/** The name of a concept's most common label, if it has one. */
export function labelOf(table: ConceptTable, labels: string[], concept: number): string | undefined {
  const label = table.label[concept];
  return label === MISSING ? undefined : labels[label];
}

/**
 * The concepts of `order` that match a search: an id (#12 or 12), words of the label, or words of what `words` knows
 * of its strongest example. All words have to match.
 */
export function search(
  table: ConceptTable,
  labels: string[],
  order: Uint32Array,
  query: string,
  words: (concept: number) => string,
): Uint32Array {
  const wanted = query.toLowerCase().trim().split(/\s+/).filter(Boolean);
  if (!wanted.length) return order;
  return order.filter((concept) => {
    const text = `${labelOf(table, labels, concept) ?? ''} ${words(concept)}`.toLowerCase();
    return wanted.every((word) => word === `#${concept}` || word === String(concept) || text.includes(word));
  });
}
