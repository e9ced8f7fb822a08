import { useMemo, useState } from 'preact/hooks';
import { Atlas } from '../../atlas/atlas.ts';
import { MISSING } from '../../atlas/manifest.ts';
import { sources } from '../../state/sets.ts';
import { comparedOn } from '../../state/training.ts';
import { Picture } from '../../ui/thumb.tsx';
import { useExample, useLoaded } from '../../ui/use.ts';
import { VirtualList } from '../../ui/virtual.tsx';
import type { Pair, StabilityResult } from '../../worker/protocol.ts';

const BEST = 3;
type Order = 'best' | 'worst' | 'id';

/** Every atom beside its partner of the other seed. */
export function Pairs({ result }: { result: StabilityResult }) {
  const [kind, setKind] = useState<'archetypal' | 'free'>('archetypal');
  const [order, setOrder] = useState<Order>('best');
  const [active, setActive] = useState(0);
  const pair = result[kind];
  const source = sources.value.find(({ id }) => id === comparedOn.value);
  const { value: atlas } = useLoaded(async () => (source ? Atlas.open(source.files) : null), [source?.files]);
  const matches = useMemo(() => {
    const all = [...pair.agreement.matches];
    if (order === 'id') return all.sort((a, b) => a.first - b.first);
    return all.sort((a, b) => (order === 'best' ? b.cosine - a.cosine : a.cosine - b.cosine));
  }, [pair, order]);
  const pictures = atlas?.look === 'images';
  return (
    <section class="pairs" aria-labelledby="pairs">
      <div class="section-head">
        <h3 id="pairs">Atom by atom</h3>
        <div class="toolbar">
          <label class="choice">
            <span>Kind</span>
            <select value={kind} onChange={(event) => setKind(event.currentTarget.value as typeof kind)}>
              <option value="archetypal">archetypal</option>
              <option value="free">free</option>
            </select>
          </label>
          <label class="choice">
            <span>First</span>
            <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
              <option value="best">those that agree best</option>
              <option value="worst">those that agree worst</option>
              <option value="id">by id</option>
            </select>
          </label>
        </div>
      </div>
      <p class="note">Each atom by the examples that it fires strongest on, beside its partner from the other seed.</p>
      <div class="pairs-list">
        <VirtualList
          count={matches.length}
          rowHeight={pictures ? 68 : 76}
          active={active}
          label="Pairs of atoms"
          idOf={(position) => `pair-${position}`}
          item={(position) => {
            const { first, second, cosine } = matches[position];
            return (
              <div class="pair-row">
                <Side atlas={atlas ?? null} pair={pair} which={0} atom={first} />
                <b class="pair-cosine" style={{ '--agreement': Math.max(0, cosine) }}>
                  {cosine.toFixed(3)}
                </b>
                <Side atlas={atlas ?? null} pair={pair} which={1} atom={second} />
              </div>
            );
          }}
          onMove={setActive}
        />
      </div>
    </section>
  );
}

function Side({ atlas, pair, which, atom }: { atlas: Atlas | null; pair: Pair; which: 0 | 1; atom: number }) {
  const rows = [...pair.best[which].subarray(atom * BEST, (atom + 1) * BEST)].filter((row) => row !== MISSING);
  return (
    <div class="pair-side">
      <span class="faint">{atom}</span>
      {!rows.length ? (
        <span class="faint">never fires</span>
      ) : !atlas ? (
        <span class="faint">rows {rows.join(', ')}</span>
      ) : atlas.look === 'images' ? (
        rows.map((row) => <Picture key={row} atlas={atlas} row={row} frame />)
      ) : (
        <Text atlas={atlas} row={rows[0]} />
      )}
    </div>
  );
}

function Text({ atlas, row }: { atlas: Atlas; row: number }) {
  const example = useExample(atlas, atlas.exampleOf(row));
  return <span class="glimpse-text two-lines">{example.text ?? `row ${row}`}</span>;
}
