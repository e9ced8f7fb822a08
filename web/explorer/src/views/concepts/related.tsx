import type { Atlas } from '../../atlas/atlas.ts';
import { isDead, labelOf } from '../../atlas/concepts.ts';
import type { Neighbour } from '../../atlas/tables.ts';
import { go, linkTo } from '../../state/route.ts';
import { shortLabel } from '../../ui/text.ts';
import { ConceptGlimpse } from '../../ui/glimpse.tsx';

interface Props {
  atlas: Atlas;
  title: string;
  note: string;
  related: Neighbour[];
  show: (value: number) => string;
}

/** Other concepts, each with its strongest example. */
export function Related({ atlas, title, note, related, show }: Props) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <p class="note">{note}</p>
      {related.length === 0 && <p class="faint">none</p>}
      <ul class={`related related-${atlas.look}`}>
        {related.map(({ concept, value }) => {
          const label = labelOf(atlas.concepts, atlas.manifest.labels, concept);
          return (
            <li key={concept}>
              <a
                href={linkTo({ view: 'concepts', concept })}
                aria-label={`Concept ${concept}${label ? `, ${shortLabel(label)}` : ''}, ${show(value)}${isDead(atlas.concepts, concept) ? ', never fires' : ''}`}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey) return;
                  event.preventDefault();
                  go({ view: 'concepts', concept });
                }}
              >
                <ConceptGlimpse atlas={atlas} concept={concept} />
                <span class="related-figure">
                  <b>{concept}</b> {show(value)}
                </span>
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
