import type { Atlas } from '../../atlas/atlas.ts';
import { isDead, labelOf } from '../../atlas/concepts.ts';
import type { Details, Points } from '../../atlas/tables.ts';
import { go, linkTo } from '../../state/route.ts';
import { FiringCard } from '../../ui/firing.tsx';
import { ConceptGlimpse } from '../../ui/glimpse.tsx';
import { figure, percent, shortLabel } from '../../ui/text.ts';
import type { Hovered } from './canvas.tsx';

/** What lies under the pointer, beside it. */
export function HoverCard({ atlas, hovered, points }: { atlas: Atlas; hovered: Hovered; points: Points | null }) {
  const { concept, point, x, y } = hovered;
  const near = point >= 0 ? points?.near(point)[0] : undefined;
  const label = concept >= 0 ? labelOf(atlas.concepts, atlas.manifest.labels, concept) : undefined;
  return (
    <div class={`hover-card hover-${atlas.look}`} style={{ left: `${x}px`, top: `${y}px` }} aria-hidden="true">
      {concept >= 0 ? (
        <>
          <ConceptGlimpse atlas={atlas} concept={concept} />
          <b>Concept {concept}</b>
          {label && <span class="faint"> {shortLabel(label)}</span>}
        </>
      ) : (
        <>
          <b>Point {point}</b>
          {near && <span class="faint"> used {figure(points!.weight[point])} times in all</span>}
        </>
      )}
    </div>
  );
}

interface CardProps {
  atlas: Atlas;
  concept: number;
  details?: Details;
  onClose: () => void;
}

/** The chosen concept in brief, with the way to all of it. */
export function ConceptCard({ atlas, concept, details, onClose }: CardProps) {
  const label = labelOf(atlas.concepts, atlas.manifest.labels, concept);
  const dead = isDead(atlas.concepts, concept);
  return (
    <aside class="map-card" aria-label={`Concept ${concept}`} aria-live="polite">
      <header>
        <h2>Concept {concept}</h2>
        <button type="button" class="quiet round" onClick={onClose} aria-label="Close">
          ×
        </button>
      </header>
      <p class="note">
        {label && `${shortLabel(label)} ${percent(atlas.concepts.purity[concept])} · `}
        {dead ? 'never fires' : `fires in ${percent(atlas.concepts.frequency[concept])}`}
      </p>
      <p>
        <a
          class="button"
          href={linkTo({ view: 'concepts' })}
          onClick={(event) => {
            event.preventDefault();
            go({ view: 'concepts' });
          }}
        >
          Open the concept
        </a>
      </p>
      <div class={`firings firings-${atlas.look} firings-small`}>
        {details?.top.slice(0, 9).map((firing) => (
          <FiringCard key={firing.row} atlas={atlas} firing={firing} most={atlas.concepts.max[concept]} />
        ))}
      </div>
    </aside>
  );
}

/** A point: the data nearest to it. */
export function PointCard({ atlas, points, point, onClose }: { atlas: Atlas; points: Points; point: number; onClose: () => void }) {
  return (
    <aside class="map-card" aria-label={`Point ${point}`} aria-live="polite">
      <header>
        <h2>Point {point}</h2>
        <button type="button" class="quiet round" onClick={onClose} aria-label="Close">
          ×
        </button>
      </header>
      <p class="note">A centre of the data that atoms are mixed from; its weights over all atoms sum to {figure(points.weight[point])}. Nearest to it:</p>
      <div class={`firings firings-${atlas.look} firings-small`}>
        {points.near(point).map(({ row, distance }) => (
          <FiringCard key={row} atlas={atlas} firing={{ row, value: distance }} most={Infinity} />
        ))}
      </div>
    </aside>
  );
}
