import { useEffect, useState } from 'preact/hooks';
import type { Atlas, Example } from '../../atlas/atlas.ts';
import { route } from '../../state/route.ts';
import { messageOf } from '../../state/sets.ts';

/** Examples that match the search; `ids` null: all of them. */
export interface Found {
  ids: number[] | null;
  count: number;
  /** Files are still being read. */
  searching: boolean;
  error?: string;
}

/** Whether all words of a search stand in an example's text, name or label, or are its number. */
export function matches(example: Example, index: number, words: string[]): boolean {
  const text = `${example.text ?? ''} ${example.name ?? ''} ${example.label ?? ''}`.toLowerCase();
  return words.every((word) => word === String(index) || text.includes(word));
}

/** The examples of the search in the address, file by file as they are read. */
export function useFound(atlas: Atlas): Found {
  const { find } = route.value;
  const words = find.toLowerCase().trim().split(/\s+/).filter(Boolean);
  const key = words.join(' ');
  const [state, setState] = useState<Found & { key: string }>({ key: '', ids: null, count: 0, searching: false });
  useEffect(() => {
    if (!words.length) return;
    let wanted = true;
    const run = async () => {
      const ids: number[] = [];
      for (let file = 0; file < atlas.exampleFiles && wanted; file++) {
        const examples = await atlas.exampleChunk(file);
        const first = file * atlas.manifest.chunks.examples;
        const count = Math.min(atlas.manifest.chunks.examples, atlas.manifest.examples - first);
        for (let i = 0; i < count; i++) {
          if (matches(examples[i] ?? {}, first + i, words)) ids.push(first + i);
        }
        if (wanted) setState({ key, ids: [...ids], count: ids.length, searching: file + 1 < atlas.exampleFiles });
      }
    };
    run().catch((error: unknown) => {
      if (wanted) setState({ key, ids: [], count: 0, searching: false, error: messageOf(error) });
    });
    return () => {
      wanted = false;
    };
  }, [atlas, key]);
  if (!words.length) return { ids: null, count: atlas.manifest.examples, searching: false };
  return state.key === key ? state : { ids: [], count: 0, searching: true };
}
