import { useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import { labelOf } from '../../atlas/concepts.ts';
import type { Part } from '../../atlas/reconstruct.ts';
import { go, linkTo } from '../../state/route.ts';
import { ConceptGlimpse } from '../../ui/glimpse.tsx';
import { hue } from '../../ui/palette.ts';
import { figure, shortLabel } from '../../ui/text.ts';
import { OTHER, SHOWN_HUES } from './shades.ts';

interface Props {
  atlas: Atlas;
  parts: Part[];
  /** Only what fires in this cell. */
  cell: number | null;
  off: Set<number>;
  lit: number | null;
  onLight: (concept: number | null) => void;
  onToggle: (concept: number) => void;
  onAllOn: () => void;
  onAllCells: () => void;
}

/** More than these are shown when asked for. */
const FIRST = 16;

/** The concepts of an example, or of one of its cells, each with a switch. */
export function Parts(props: Props) {
  const { atlas, parts, cell, off } = props;
  const [all, setAll] = useState(false);
  const amount = (part: Part) => (cell === null ? part.sum : part.byCell[cell]);
  const present = parts.map((part, i) => ({ part, i })).filter(({ part }) => amount(part) > 0);
  if (cell !== null) present.sort((a, b) => amount(b.part) - amount(a.part));
  const most = present.length ? amount(present[0].part) : 1;
  const listed = all ? present : present.slice(0, FIRST);
  return (
    <section class="parts" aria-labelledby="parts">
      <div class="section-head">
        <h3 id="parts">{cell === null ? 'Made of these concepts' : `Concepts of cell ${cell + 1}`}</h3>
        <div class="actions">
          {cell !== null && (
            <button type="button" class="quiet" onClick={props.onAllCells}>
              All cells
            </button>
          )}
          {off.size > 0 && (
            <button type="button" class="quiet" onClick={props.onAllOn}>
              Switch all on
            </button>
          )}
        </div>
      </div>
      <p class="note">
        {present.length} concepts, by the {atlas.manifest.grid && cell === null ? 'sum of their codes over the cells' : 'size of their code'}.
        Switch one off to see what the reconstruction loses.
      </p>
      <ul>
        {listed.map(({ part, i }) => (
          <Line key={part.concept} {...props} part={part} amount={amount(part)} most={most} colour={i < SHOWN_HUES ? hue(i) : OTHER} />
        ))}
      </ul>
      {present.length > FIRST && (
        <button type="button" class="quiet" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${present.length}`}
        </button>
      )}
    </section>
  );
}

function Line({ atlas, part, amount, most, colour, off, lit, onLight, onToggle }: Props & { part: Part; amount: number; most: number; colour: string }) {
  const { concept } = part;
  const label = labelOf(atlas.concepts, atlas.manifest.labels, concept);
  const isOff = off.has(concept);
  return (
    <li
      class={`part part-${atlas.look}`}
      data-off={isOff}
      data-lit={lit === concept}
      onPointerEnter={() => onLight(concept)}
      onPointerLeave={() => onLight(null)}
    >
      <input
        type="checkbox"
        role="switch"
        checked={!isOff}
        aria-label={`Concept ${concept} in the reconstruction`}
        onChange={() => onToggle(concept)}
        onFocus={() => onLight(concept)}
        onBlur={() => onLight(null)}
      />
      <a
        href={linkTo({ view: 'concepts', concept, off: [] })}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey) return;
          event.preventDefault();
          go({ view: 'concepts', concept, off: [] });
        }}
        aria-label={`Open concept ${concept}`}
      >
        <ConceptGlimpse atlas={atlas} concept={concept} />
        <span class="part-name">
          <b>{concept}</b> {label && <span class="faint">{shortLabel(label)}</span>}
        </span>
      </a>
      <span class="part-bar" title={`code ${figure(amount)}`}>
        <span style={{ width: `${(100 * amount) / most}%`, background: colour }} />
      </span>
      <span class="part-value">{figure(amount)}</span>
    </li>
  );
}
