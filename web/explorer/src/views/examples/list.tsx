import type { Atlas } from '../../atlas/atlas.ts';
import { go, route } from '../../state/route.ts';
import { Notice } from '../../ui/notice.tsx';
import { shortLabel, whole } from '../../ui/text.ts';
import { nameOf, Picture } from '../../ui/thumb.tsx';
import { useExample, useListKeys } from '../../ui/use.ts';
import { VirtualList } from '../../ui/virtual.tsx';
import type { Found } from './find.ts';

/** All examples, as a gallery or a list. */
export function ExampleList({ atlas, found, active }: { atlas: Atlas; found: Found; active: number }) {
  const pictures = atlas.look === 'images';
  const idAt = (position: number) => found.ids?.[position] ?? position;
  const keys = useListKeys(found.ids, found.ids ? found.ids.indexOf(active) : active, (position) =>
    go({ example: idAt(position), off: [] }, route.value.example !== null),
  );
  const noun = pictures ? 'pictures' : atlas.look === 'texts' ? 'texts' : 'rows';
  return (
    <section class="concept-list" aria-label="Examples">
      <div class="toolbar">
        <label class="field grow">
          <span class="visually-hidden">Search examples</span>
          <input
            type="search"
            placeholder={`Search ${noun}: word, label, number`}
            value={route.value.find}
            onInput={(event) => go({ find: event.currentTarget.value }, true)}
          />
        </label>
      </div>
      <p class="count" role="status">
        {found.ids ? `${whole(found.count)} of ` : ''}
        {whole(atlas.manifest.examples)} {noun}
        {found.searching && ', searching …'}
      </p>
      {found.error && <p class="error" role="alert">{found.error}</p>}
      {found.count > 0 ? (
        <VirtualList
          count={found.count}
          rowHeight={pictures ? 112 : 62}
          columns={pictures ? 3 : 1}
          label="Examples"
          idOf={(position) => `example-${idAt(position)}`}
          item={(position) => <Item atlas={atlas} index={idAt(position)} />}
          {...keys}
        />
      ) : (
        !found.searching && <Notice title="Nothing matches">Try another word, a label or a number.</Notice>
      )}
    </section>
  );
}

function Item({ atlas, index }: { atlas: Atlas; index: number }) {
  const example = useExample(atlas, index);
  if (atlas.look === 'images') {
    return (
      <div class="example-tile" title={nameOf(example, index)}>
        <Picture atlas={atlas} row={index * atlas.cells} />
      </div>
    );
  }
  return (
    <div class="concept-row">
      <div class="concept-words">
        <p class="concept-text two-lines">{nameOf(example, index)}</p>
        <p class="concept-figures">
          {index}
          {example.label && ` · ${shortLabel(example.label)}`}
        </p>
      </div>
    </div>
  );
}
