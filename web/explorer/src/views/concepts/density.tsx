import type { ConceptTable } from '../../atlas/tables.ts';
import { percent } from '../../ui/text.ts';

/** Densities from 10⁻⁵ to 1 are shown, on a logarithmic axis. */
const DECADES = 5;
const BINS = 30;

const binOf = (frequency: number) =>
  Math.min(BINS - 1, Math.max(0, Math.floor((BINS * (Math.log10(frequency) + DECADES)) / DECADES)));

/** How many concepts fire how often, and the share of them that fire less often than this one. */
export function densities({ frequency }: ConceptTable, concept: number): { counts: number[]; share: number } {
  const counts = new Array<number>(BINS).fill(0);
  let below = 0;
  for (const value of frequency) {
    if (value > 0) counts[binOf(value)]++;
    if (value < frequency[concept]) below++;
  }
  return { counts, share: below / frequency.length };
}

const HEIGHT = 72;

/** All concepts by how often they fire, with a mark for one of them. */
export function DensityFigure({ counts, frequency }: { counts: number[]; frequency: number }) {
  const most = Math.max(...counts, 1);
  const here = frequency > 0 ? binOf(frequency) : -1;
  return (
    <svg class="density" viewBox={`0 0 300 ${HEIGHT + 18}`} role="img" aria-label={`Densities of all concepts; this one fires in ${percent(frequency)}`}>
      {counts.map((count, bin) => (
        <rect
          key={bin}
          x={bin * 10 + 1}
          width="8"
          y={HEIGHT - (HEIGHT * count) / most}
          height={(HEIGHT * count) / most}
          fill={bin === here ? 'var(--spark)' : 'var(--line-strong)'}
        />
      ))}
      {here >= 0 && <path d={`M${here * 10 + 5} ${HEIGHT + 1}l-4 6h8Z`} fill="var(--spark)" />}
      <line x1="0" x2="300" y1={HEIGHT} y2={HEIGHT} stroke="var(--line-strong)" />
      {['0.01 %', '0.1 %', '1 %', '10 %', 'all'].map((text, i) => (
        <text key={text} x={i === 4 ? 298 : 60 * (i + 1)} y={HEIGHT + 16} text-anchor={i === 4 ? 'end' : 'middle'}>
          {text}
        </text>
      ))}
    </svg>
  );
}
