import type { Atlas } from '../../atlas/atlas.ts';
import { Plot } from '../../ui/plot.tsx';
import { figure, percent, whole } from '../../ui/text.ts';
import { densities, DensityFigure } from './density.tsx';

interface Props {
  atlas: Atlas;
  concept: number;
  /** Active codes in equal bins from 0 to the largest. */
  histogram: Uint32Array;
}

/** How strongly it fires, and how often beside the others. */
export function Activations({ atlas, concept, histogram }: Props) {
  const { concepts } = atlas;
  const most = concepts.max[concept];
  const middles = Array.from(histogram, (_, bin) => ((bin + 0.5) / histogram.length) * most);
  const active = histogram.reduce((sum, count) => sum + count, 0);
  const { share, counts } = densities(concepts, concept);
  return (
    <div class="pair">
      <section aria-labelledby="activations">
        <h3 id="activations">How strongly it fires</h3>
        <Plot
          label={`Histogram of ${active} active codes from 0 to ${figure(most)}`}
          x={middles}
          ys={[Array.from(histogram)]}
          lines={[{ label: atlas.manifest.grid ? 'cells' : 'rows', colour: '#12998c', bars: true, show: whole }]}
          xLabel="code"
          height={150}
          range={[0, null]}
        />
      </section>
      <section aria-labelledby="density">
        <h3 id="density">How often it fires</h3>
        <p class="note">
          In {percent(concepts.frequency[concept])} of the {atlas.manifest.grid ? 'cells' : 'rows'}: more often than {percent(share)} of the
          concepts.
        </p>
        <DensityFigure counts={counts} frequency={concepts.frequency[concept]} />
      </section>
    </div>
  );
}
