import type { Atlas } from '../../atlas/atlas.ts';
import type { Details } from '../../atlas/tables.ts';
import { useLoaded } from '../../ui/use.ts';
import { sharedWords } from '../../ui/words.tsx';

const NONE = new Set<string>();
/** Texts that the strongest examples are compared with. */
const OTHERS = 400;

/** Words that set a concept's strongest texts apart from the others; none for what is no text. */
export function useSharedWords(atlas: Atlas, details: Details): Set<string> {
  const { value } = useLoaded(async () => {
    if (atlas.look !== 'texts') return NONE;
    const texts = await Promise.all(details.top.map(({ row }) => atlas.example(atlas.exampleOf(row))));
    const others = (await atlas.exampleChunk(0)).slice(0, OTHERS);
    const textOf = ({ text }: { text?: string }) => text ?? '';
    return new Set(sharedWords(texts.map(textOf), others.map(textOf), 6));
  }, [atlas, details]);
  return value ?? NONE;
}
