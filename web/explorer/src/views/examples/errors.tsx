import type { Atlas } from '../../atlas/atlas.ts';
import type { Fit } from '../../atlas/reconstruct.ts';
import { figure, percent } from '../../ui/text.ts';
import { Heat, Picture } from '../../ui/thumb.tsx';

interface Props {
  atlas: Atlas;
  index: number;
  /** With all concepts. */
  before: Fit;
  /** Without those that are off. */
  after: Fit;
  off: number;
}

/** How well the example is given back, with and without the concepts that are off. */
export function Errors({ atlas, index, before, after, off }: Props) {
  const { grid } = atlas.manifest;
  const mean = (fit: Fit) => fit.error.reduce((sum, value) => sum + value, 0) / fit.error.length;
  return (
    <section class="errors" aria-labelledby="errors" aria-live="polite">
      <h3 id="errors">Reconstruction</h3>
      <div class="errors-pair">
        <One atlas={atlas} index={index} fit={before} title="all concepts" grid={grid} mean={mean(before)} />
        <One atlas={atlas} index={index} fit={after} title={off ? `${off} switched off` : 'none switched off'} grid={grid} mean={mean(after)} />
      </div>
      <p class="note">
        Error of a {grid ? 'cell' : 'row'}: ‖x − x̂‖² / ‖x‖², {grid ? 'clear at 0, deep at 1 or more. ' : ''}R² here is 1 less the error over the
        whole example.
      </p>
    </section>
  );
}

interface OneProps {
  atlas: Atlas;
  index: number;
  fit: Fit;
  title: string;
  grid: [number, number] | null;
  mean: number;
}

function One({ atlas, index, fit, title, grid, mean }: OneProps) {
  return (
    <figure>
      {grid && (
        <div class="cells-picture">
          <Picture atlas={atlas} row={index * atlas.cells} />
          <Heat cells={fit.error} grid={grid} most={1} />
        </div>
      )}
      <figcaption>
        <b>R² {figure(fit.r2)}</b>
        <span class="faint">
          {' '}
          {title}, mean error {percent(mean)}
        </span>
      </figcaption>
    </figure>
  );
}
