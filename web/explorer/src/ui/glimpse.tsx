import type { Atlas } from '../atlas/atlas.ts';
import { isDead } from '../atlas/concepts.ts';
import { Picture } from './thumb.tsx';
import { useExample } from './use.ts';

/** The strongest example of a concept, small. */
export function ConceptGlimpse({ atlas, concept }: { atlas: Atlas; concept: number }) {
  if (isDead(atlas.concepts, concept)) return <span class="glimpse-dead">never fires</span>;
  const row = atlas.concepts.bestRow[concept];
  if (atlas.look === 'images') return <Picture atlas={atlas} row={row} frame />;
  return <TextGlimpse atlas={atlas} row={row} />;
}

function TextGlimpse({ atlas, row }: { atlas: Atlas; row: number }) {
  const example = useExample(atlas, atlas.exampleOf(row));
  return <span class="glimpse-text">{example.text ?? `row ${row}`}</span>;
}
