import type { ComponentChildren } from 'preact';

const COMMON = new Set(
  'a an and are as at be by for from has have in into is it its of on one or that the their this to used was were when which who with without you your one not no any some such than other being but can etc'.split(
    ' ',
  ),
);
const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;

/** Words of a text, lower case, each once, with plurals cut so that they meet their singulars. */
export function wordsOf(text: string): Set<string> {
  const words = new Set<string>();
  for (const [word] of text.matchAll(WORD)) {
    const stem = stemOf(word);
    if (stem.length > 2 && !COMMON.has(stem)) words.add(stem);
  }
  return words;
}

function stemOf(word: string): string {
  const lower = word.toLowerCase().replace(/['’]s?$/, '');
  return lower.length > 3 && lower.endsWith('s') && !lower.endsWith('ss') ? lower.slice(0, -1) : lower;
}

/**
 * Words that set some texts apart from others: how many of the texts have a word, less how many would at the rate of
 * the others. The `most` first that at least two texts share.
 */
export function sharedWords(texts: string[], others: string[], most: number): string[] {
  const count = (all: string[]) => {
    const counts = new Map<string, number>();
    for (const text of all) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    return counts;
  };
  const usual = count(others);
  return [...count(texts)]
    .filter(([, times]) => times >= 2)
    .map(([word, times]) => ({ word, lift: times - (texts.length * (usual.get(word) ?? 0)) / Math.max(1, others.length) }))
    .filter(({ lift }) => lift >= 1)
    .sort((a, b) => b.lift - a.lift || (a.word < b.word ? -1 : 1))
    .slice(0, most)
    .map(({ word }) => word);
}

/** A text with the given words marked. */
export function markWords(text: string, words?: Set<string>): ComponentChildren {
  if (!words?.size) return text;
  const parts: ComponentChildren[] = [];
  let from = 0;
  for (const match of text.matchAll(WORD)) {
    if (!words.has(stemOf(match[0]))) continue;
    parts.push(text.slice(from, match.index), <mark key={match.index}>{match[0]}</mark>);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}
