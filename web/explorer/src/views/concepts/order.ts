import { computed, signal } from '@preact/signals';
import type { Atlas } from '../../atlas/atlas.ts';
import { isDead, search, sorted } from '../../atlas/concepts.ts';
import { opened } from '../../state/sets.ts';
import { route } from '../../state/route.ts';

/** Milliseconds. */
const BETWEEN_TELLINGS = 250;

/** Words of each concept's strongest example, once somebody searches. */
const words = signal<{ atlas: Atlas; of: string[] } | null>(null);
let reading: Atlas | null = null;

/** Reads the examples that the concepts fire strongest on, file by file. */
async function readWords(atlas: Atlas): Promise<void> {
  if (reading === atlas || !atlas.knowsExamples) return;
  reading = atlas;
  const { concepts } = atlas;
  const chunk = atlas.manifest.chunks.examples;
  const byFile = new Map<number, number[]>();
  for (let id = 0; id < concepts.count; id++) {
    if (isDead(concepts, id)) continue;
    const file = Math.floor(atlas.exampleOf(concepts.bestRow[id]) / chunk);
    byFile.set(file, [...(byFile.get(file) ?? []), id]);
  }
  const of = new Array<string>(concepts.count).fill('');
  let told = 0;
  let left = byFile.size;
  for (const [file, ids] of byFile) {
    const examples = await atlas.exampleChunk(file);
    for (const id of ids) {
      const example = examples[atlas.exampleOf(concepts.bestRow[id]) % chunk];
      of[id] = `${example?.text ?? ''} ${example?.name ?? ''}`;
    }
    // Each telling searches all concepts anew.
    if (--left === 0 || performance.now() - told > BETWEEN_TELLINGS) {
      words.value = { atlas, of: [...of] };
      told = performance.now();
    }
  }
}

const atlas = computed(() => (opened.value.status === 'ready' ? opened.value.atlas : null));
const sort = computed(() => route.value.sort);
const query = computed(() => route.value.query);
const inOrder = computed(() => (atlas.value ? sorted(atlas.value.concepts, sort.value) : new Uint32Array()));

/** Concepts as the list shows them: sorted, and those that match the search. */
export const order = computed(() => {
  const here = atlas.value;
  if (!here) return new Uint32Array();
  const known = words.value?.atlas === here ? words.value.of : null;
  return search(here.concepts, here.manifest.labels, inOrder.value, query.value, (id) => known?.[id] ?? '');
});

/** Makes the examples' words searchable; a file that fails is reported by who asked. */
export function prepareSearch(): Promise<void> {
  return atlas.value ? readWords(atlas.value).catch((error: unknown) => {
    reading = null;
    throw error;
  }) : Promise.resolve();
}

/** The concept that is shown: the one in the address, else the first of the list. */
export const shown = computed(() => {
  const { concept } = route.value;
  const count = atlas.value?.concepts.count ?? 0;
  if (concept !== null && concept < count) return concept;
  return order.value[0] ?? inOrder.value[0] ?? 0;
});
