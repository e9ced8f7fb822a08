import { useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import { isDead, labelOf, SORTS, type Sort } from '../../atlas/concepts.ts';
import { go, linkTo, route } from '../../state/route.ts';
import { messageOf } from '../../state/sets.ts';
import { Notice } from '../../ui/notice.tsx';
import { figure, percent, shortLabel, whole } from '../../ui/text.ts';
import { Picture } from '../../ui/thumb.tsx';
import { useExample, useListKeys, useLoaded } from '../../ui/use.ts';
import { VirtualList } from '../../ui/virtual.tsx';
import { order, prepareSearch, shown } from './order.ts';

const ROW_HEIGHT = 68;
/** Up to so many concepts the list shows heat maps too: more would load too many tables. */
const HEAT_LIMIT = 2048;

/** All concepts: sortable, searchable, with small previews. */
export function ConceptList({ atlas }: { atlas: Atlas }) {
  const ids = order.value;
  const total = atlas.concepts.count;
  const keys = useListKeys(ids, ids.indexOf(shown.value), (position) =>
    go({ concept: ids[position] }, route.value.concept !== null),
  );
  return (
    <section class="concept-list" aria-label="Concepts">
      <Toolbar atlas={atlas} />
      <p class="count" role="status">
        {ids.length === total ? `${whole(total)} concepts` : `${whole(ids.length)} of ${whole(total)} concepts`}
      </p>
      {ids.length ? (
        <VirtualList
          count={ids.length}
          rowHeight={ROW_HEIGHT}
          label="Concepts"
          idOf={(position) => `concept-${ids[position]}`}
          item={(position) => <Row atlas={atlas} concept={ids[position]} />}
          {...keys}
        />
      ) : (
        <Notice title="Nothing matches">
          Try an id, a label or a word of an example.{' '}
          <button type="button" class="link" onClick={() => go({ query: '' }, true)}>
            Show all concepts
          </button>
        </Notice>
      )}
    </section>
  );
}

function Toolbar({ atlas }: { atlas: Atlas }) {
  const [failure, setFailure] = useState('');
  const { sort, query } = route.value;
  const type = (text: string) => {
    go({ query: text }, true);
    if (text) prepareSearch().catch((error: unknown) => setFailure(messageOf(error)));
  };
  const available = (Object.keys(SORTS) as Sort[]).filter(
    (key) => (key !== 'purity' || atlas.manifest.labels.length > 0) && (key !== 'points' || atlas.archetypal),
  );
  if (query) void prepareSearch().catch(() => undefined);
  return (
    <div class="toolbar">
      <label class="field grow">
        <span class="visually-hidden">Search concepts</span>
        <input
          type="search"
          placeholder="Id, label or word"
          value={query}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span class="visually-hidden">Sort by</span>
        <select value={sort} title={SORTS[sort].title} onChange={(event) => go({ sort: event.currentTarget.value as Sort }, true)}>
          {available.map((key) => (
            <option key={key} value={key} title={SORTS[key].title}>
              {SORTS[key].label}
            </option>
          ))}
        </select>
      </label>
      {failure && <p class="error" role="alert">{failure}</p>}
    </div>
  );
}

function Row({ atlas, concept }: { atlas: Atlas; concept: number }) {
  const { concepts, manifest } = atlas;
  const dead = isDead(concepts, concept);
  const label = labelOf(concepts, manifest.labels, concept);
  return (
    <div class="concept-row">
      {!dead && atlas.look === 'images' && <PicturePreview atlas={atlas} concept={concept} />}
      <div class="concept-words">
        <a class="concept-name" href={linkTo({ concept })} tabIndex={-1} onClick={(event) => event.metaKey || event.ctrlKey || event.preventDefault()}>
          <b>{concept}</b>
          {label && <span class="concept-label">{shortLabel(label)}</span>}
          {label && <span class="concept-purity">{percent(concepts.purity[concept])}</span>}
        </a>
        {dead ? <p class="faint">never fires</p> : atlas.look === 'texts' ? <TextPreview atlas={atlas} concept={concept} /> : null}
        {!dead && (
          <p class="concept-figures">{sortedFigure(atlas, concept)}</p>
        )}
      </div>
    </div>
  );
}

/** What the list is sorted by, else how often it fires. */
function sortedFigure({ concepts }: Atlas, concept: number): string {
  const { sort } = route.value;
  if (sort === 'energy') return `energy ${figure(concepts.energy[concept])}`;
  if (sort === 'points') return `${figure(Math.exp(concepts.entropy[concept]))} effective points`;
  return `fires in ${percent(concepts.frequency[concept])}`;
}

function PicturePreview({ atlas, concept }: { atlas: Atlas; concept: number }) {
  const rich = atlas.concepts.count <= HEAT_LIMIT;
  const { value } = useLoaded(
    () => (rich ? atlas.details(concept).then(({ top }) => top.slice(0, 3)) : Promise.resolve(undefined)),
    [atlas, concept],
    true,
  );
  const firings = value ?? [{ row: atlas.concepts.bestRow[concept], value: 0, heat: undefined }];
  return (
    <div class="previews" data-count={rich ? 3 : 1}>
      {firings.map(({ row, heat }) => (
        <Picture key={row} atlas={atlas} row={row} heat={heat} frame={!rich} />
      ))}
    </div>
  );
}

function TextPreview({ atlas, concept }: { atlas: Atlas; concept: number }) {
  const example = useExample(atlas, atlas.exampleOf(atlas.concepts.bestRow[concept]));
  return <p class="concept-text">{example.text ?? ' '}</p>;
}
