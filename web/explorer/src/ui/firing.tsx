import type { Atlas } from '../atlas/atlas.ts';
import type { Firing } from '../atlas/tables.ts';
import { go, linkTo } from '../state/route.ts';
import { markWords } from './words.tsx';
import { figure, shortLabel } from './text.ts';
import { nameOf, Picture } from './thumb.tsx';
import { useExample } from './use.ts';

interface Props {
  atlas: Atlas;
  firing: Firing;
  /** The largest code of the concept. */
  most: number;
  /** Words that its examples share. */
  words?: Set<string>;
}

/** An example in which a concept fires: a picture under its heat map, a text, or a row by its number. */
export function FiringCard({ atlas, firing, most, words }: Props) {
  const index = atlas.exampleOf(firing.row);
  const example = useExample(atlas, index);
  const label = example.label ? shortLabel(example.label) : undefined;
  const title = `${nameOf(example, index)}${label ? ` (${label})` : ''}, code ${figure(firing.value)}`;
  const open = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go({ view: 'examples', example: index, off: [] });
  };
  const link = { href: linkTo({ view: 'examples', example: index, off: [] }), onClick: open, title, 'aria-label': title };
  if (atlas.look === 'images') {
    return (
      <a class="firing firing-picture" {...link}>
        <Picture atlas={atlas} row={firing.row} heat={firing.heat} />
        <span class="firing-value">{figure(firing.value)}</span>
      </a>
    );
  }
  const strength = `${Math.round(100 * Math.min(1, firing.value / most))}%`;
  return (
    <a class="firing firing-text" {...link}>
      <span class="strength" style={{ '--strength': strength }} aria-hidden="true" />
      <span class="firing-words">
        {example.text === undefined ? `row ${firing.row}` : markWords(example.text, words)}
        {label && <span class="tag">{label}</span>}
      </span>
      <span class="firing-value">{figure(firing.value)}</span>
    </a>
  );
}
