import type { StabilityResult } from '../../worker/protocol.ts';
import { Plot } from '../../ui/plot.tsx';
import { figure, percent, whole } from '../../ui/text.ts';

const BINS = 25;

/** Cosines from 0 to 1 in equal bins; what is below 0 counts as 0. */
function binned(cosines: number[]): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (const cosine of cosines) counts[Math.min(BINS - 1, Math.max(0, Math.floor(cosine * BINS)))]++;
  return counts;
}

const middles = Array.from({ length: BINS }, (_, bin) => (bin + 0.5) / BINS);

/** Both means, and how the cosines of the pairs are spread. */
export function Agreements({ result }: { result: StabilityResult }) {
  const kinds = [
    { key: 'archetypal', title: 'Archetypal', colour: '#12998c' },
    { key: 'free', title: 'Free', colour: '#e0642f' },
  ] as const;
  const counts = kinds.map(({ key }) => binned(result[key].agreement.matches.map(({ cosine }) => cosine)));
  const most = Math.max(...counts.flat());
  return (
    <section class="agreements" aria-label="Agreement of the pairs">
      {kinds.map(({ key, title, colour }, i) => {
        const { agreement, r2 } = result[key];
        const same = agreement.matches.filter(({ cosine }) => cosine > 0.9).length / agreement.matches.length;
        return (
          <figure key={key}>
            <figcaption>
              <h3>{title}</h3>
              <p class="big" style={{ color: colour }}>
                {agreement.stability.toFixed(3)}
              </p>
              <p class="note">
                mean cosine of the pairs · {percent(same)} above 0.9 · R² {figure(r2[0])} and {figure(r2[1])}
                {!agreement.exact && ' · pairs found greedily, since there are many'}
              </p>
            </figcaption>
            <Plot
              label={`${title}: cosines of ${agreement.matches.length} pairs, mean ${agreement.stability.toFixed(3)}`}
              x={middles}
              ys={[counts[i]]}
              lines={[{ label: 'pairs', colour, bars: true, show: whole }]}
              xLabel="cosine"
              range={[0, most * 1.05]}
            />
          </figure>
        );
      })}
    </section>
  );
}
