import { useMemo, useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import { dominant, type Part, partsOf, reconstruct } from '../../atlas/reconstruct.ts';
import { go, route } from '../../state/route.ts';
import { CopyLink } from '../../ui/copy-link.tsx';
import { Failure, Notice, Waiting } from '../../ui/notice.tsx';
import { shortLabel } from '../../ui/text.ts';
import { nameOf } from '../../ui/thumb.tsx';
import { useExample, useLoaded } from '../../ui/use.ts';
import { Cells } from './cells.tsx';
import { Errors } from './errors.tsx';
import { Parts } from './parts.tsx';
import { SHOWN_HUES } from './shades.ts';

interface Props {
  atlas: Atlas;
  index: number;
  onBack: () => void;
}

/** Everything about an example that is asked of the files. */
interface Taken {
  parts: Part[];
  /** What is reconstructed, if the atlas has its rows. */
  rows: { x: Float32Array; atoms: Float32Array[] } | null;
}

async function take(atlas: Atlas, index: number): Promise<Taken> {
  const start = index * atlas.cells;
  if (!atlas.manifest.files.rows) return { parts: partsOf(await atlas.codes(start, atlas.cells)), rows: null };
  const [codes, x] = await Promise.all([atlas.codes(start, atlas.cells), atlas.rows(start, atlas.cells)]);
  const parts = partsOf(codes);
  const atoms = await Promise.all(parts.map(({ concept }) => atlas.atom(concept)));
  return { parts, rows: { x, atoms } };
}

/** What one example is made of. */
export function ExampleDetail({ atlas, index, onBack }: Props) {
  const example = useExample(atlas, index);
  const { value, error } = useLoaded(() => take(atlas, index), [atlas, index]);
  return (
    <article class="detail" tabIndex={-1} aria-label={`Example ${index}`} aria-busy={!value}>
      <header class="detail-head">
        <button type="button" class="quiet back" onClick={onBack}>
          ‹ All examples
        </button>
        <h2 class={atlas.look === 'texts' ? 'example-text' : ''}>{nameOf(example, index).replaceAll('_', ' ')}</h2>
        {example.label && <span class="tag">{shortLabel(example.label)}</span>}
        <span class="grow" />
        {atlas.files.shareable && <CopyLink />}
      </header>
      {error ? <Failure message={error} /> : value ? <Body atlas={atlas} index={index} taken={value} /> : <Waiting what="Loading the example" />}
    </article>
  );
}

function Body({ atlas, index, taken }: { atlas: Atlas; index: number; taken: Taken }) {
  const { parts, rows } = taken;
  const { width } = atlas.manifest;
  const cell = route.value.cell !== null && route.value.cell < atlas.cells && atlas.manifest.grid ? route.value.cell : null;
  const setCell = (next: number | null) => go({ example: index, cell: next }, true);
  const [lit, setLit] = useState<number | null>(null);
  const off = useMemo(() => new Set(route.value.off), [route.value.off]);
  const without = (some: Set<number>) => rows && reconstruct(rows.x, width, parts, rows.atoms, some);
  const whole = useMemo(() => without(new Set()), [taken]);
  const now = useMemo(() => (off.size ? without(off) : whole), [taken, off]);
  const strongest = useMemo(() => dominant(parts.slice(0, SHOWN_HUES), atlas.cells), [parts]);
  const toggle = (concept: number) => {
    const next = off.has(concept) ? [...off].filter((id) => id !== concept) : [...off, concept];
    go({ off: next }, true);
  };

  if (!parts.length) return <Notice title="No concept fires here">The model gives this example no codes at all.</Notice>;
  return (
    <div class="example-body">
      <div class="example-side">
        <Cells atlas={atlas} index={index} parts={parts} strongest={strongest} chosen={cell} lit={lit} onChoose={setCell} />
        {whole && now ? (
          <Errors atlas={atlas} index={index} before={whole} after={now} off={off.size} />
        ) : (
          <p class="note">This atlas was made without its rows, so there is nothing to reconstruct.</p>
        )}
      </div>
      <Parts
        atlas={atlas}
        parts={parts}
        cell={cell}
        off={off}
        lit={lit}
        onLight={setLit}
        onToggle={toggle}
        onAllOn={() => go({ off: [] }, true)}
        onAllCells={() => setCell(null)}
      />
    </div>
  );
}
