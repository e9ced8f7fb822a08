import type { Atlas } from '../../atlas/atlas.ts';
import type { Points } from '../../atlas/tables.ts';
import { go, linkTo } from '../../state/route.ts';
import { Waiting } from '../../ui/notice.tsx';
import { hue } from '../../ui/palette.ts';
import { figure, percent, shortLabel } from '../../ui/text.ts';
import { nameOf, Picture } from '../../ui/thumb.tsx';
import { useExample, useLoaded } from '../../ui/use.ts';
import { MixtureFigure } from './mixture.tsx';

interface Props {
  atlas: Atlas;
  concept: number;
  points: { point: number; weight: number }[];
}

/** Points with less than this share of an atom are only summed up, beyond the first few. */
const LEAST = 0.01;
const FEWEST_TILES = 3;
const MOST_TILES = 8;

/** The points whose mixture an atom is, beside the data nearest to each. */
export function MadeOf({ atlas, concept, points }: Props) {
  const { value: table, error } = useLoaded(() => atlas.points(), [atlas]);
  const effective = Math.exp(atlas.concepts.entropy[concept]);
  const relaxation = atlas.concepts.relaxation[concept];
  const tiles = points.filter(({ weight }, i) => i === 0 || weight >= LEAST || (i < FEWEST_TILES && weight > 0)).slice(0, MOST_TILES);
  const rest = 1 - tiles.reduce((sum, { weight }) => sum + weight, 0);
  return (
    <section class="made-of" aria-labelledby="made-of">
      <h3 id="made-of">Its atom is made of these points</h3>
      <p class="note">
        A point is a centre of the data itself, shown by the {atlas.manifest.grid ? 'cells' : 'rows'} nearest to it. The atom is the
        points' weighted mean{relaxation > 0.005 ? ', and may be moved from there by a bounded step, the relaxation' : ''}.
      </p>
      <div class="mixture">
        <MixtureFigure weights={tiles.map(({ weight }) => weight)} relaxation={relaxation} />
        <dl class="figures">
          <div title={`Entropy of the mixing weights: ${figure(atlas.concepts.entropy[concept])} nats; its exponential is the number of equal points that would have the same`}>
            <dt>effective points</dt>
            <dd>{figure(effective)}</dd>
          </div>
          <div>
            <dt>entropy of the mixture</dt>
            <dd>{figure(atlas.concepts.entropy[concept])} nats</dd>
          </div>
          <div title="Length of the relaxation R over its bound δ: 0 lies within the points' convex hull, 1 as far out as is allowed">
            <dt>relaxation ‖R‖/δ</dt>
            <dd>
              {figure(relaxation)}
              {Number.isFinite(relaxation) && <meter min={0} max={1} value={relaxation} aria-label="relaxation, of 1" />}
            </dd>
          </div>
        </dl>
      </div>
      {error && <p class="error">{error}</p>}
      {table ? (
        <ol class="point-tiles">
          {tiles.map(({ point, weight }, i) => (
            <Tile key={point} atlas={atlas} table={table} point={point} weight={weight} colour={hue(i)} />
          ))}
        </ol>
      ) : (
        !error && <Waiting what="Loading the points" />
      )}
      {rest > LEAST && <p class="note">All other points together: {percent(rest)}.</p>}
    </section>
  );
}

interface TileProps {
  atlas: Atlas;
  table: Points;
  point: number;
  weight: number;
  colour: string;
}

function Tile({ atlas, table, point, weight, colour }: TileProps) {
  const near = table.near(point);
  return (
    <li class="point-tile" style={{ '--hue': colour }}>
      <p class="point-head">
        <b>{percent(weight)}</b> <span class="faint">point {point}</span>
      </p>
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, 100 * weight)}%` }} />
      </span>
      <div class={`point-near point-near-${atlas.look}`}>
        {near.slice(0, 3).map(({ row, distance }) => (
          <NearRow key={row} atlas={atlas} row={row} distance={distance} />
        ))}
      </div>
    </li>
  );
}

function NearRow({ atlas, row, distance }: { atlas: Atlas; row: number; distance: number }) {
  const index = atlas.exampleOf(row);
  const example = useExample(atlas, index);
  const title = `${nameOf(example, index)}${example.label ? ` (${shortLabel(example.label)})` : ''}, distance ${figure(distance)}`;
  const open = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go({ view: 'examples', example: index, off: [] });
  };
  return (
    <a class="near-row" href={linkTo({ view: 'examples', example: index, off: [] })} onClick={open} title={title} aria-label={title}>
      {atlas.look === 'images' ? <Picture atlas={atlas} row={row} frame /> : (example.text ?? `row ${row}`)}
    </a>
  );
}
