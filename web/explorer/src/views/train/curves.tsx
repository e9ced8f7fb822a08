import { curves } from '../../state/curves.ts';
import { Notice } from '../../ui/notice.tsx';
import { Plot } from '../../ui/plot.tsx';
import { figure, percent } from '../../ui/text.ts';

/** The axis of the dead share goes at least so far: all zeros have no range of their own. */
const LEAST_DEAD = 0.01;

/** Loss, R², L0 and dead share as they come. */
export function Curves() {
  const { steps, loss, r2, l0, epochs, dead, warnings } = curves.value;
  if (!steps.length) {
    return (
      <Notice title="Curves appear here">
        Choose the data and start: loss, R², the number of concepts active in a row (L0) and the share that never fires are drawn as they
        come. The page stays free meanwhile.
      </Notice>
    );
  }
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} class="banner-box" role="status">
          {warning}
        </p>
      ))}
      <div class="curves">
        <figure>
          <figcaption>
            Loss <b>{figure(loss.at(-1))}</b>
          </figcaption>
          <Plot label={`Loss over ${steps.length} steps, now ${figure(loss.at(-1))}`} x={steps} ys={[loss]} lines={[{ label: 'loss', colour: '#e0642f', show: figure }]} xLabel="step" logY />
        </figure>
        <figure>
          <figcaption>
            R², share of the variance explained <b>{figure(r2.at(-1))}</b>
          </figcaption>
          <Plot label={`R² over ${steps.length} steps, now ${figure(r2.at(-1))}`} x={steps} ys={[r2.map((value) => (value === null ? null : Math.max(value, 0)))]} lines={[{ label: 'R²', colour: '#12998c', show: figure }]} xLabel="step" range={[0, 1]} />
        </figure>
        <figure>
          <figcaption>
            L0, concepts active in a row <b>{figure(l0.at(-1))}</b>
          </figcaption>
          <Plot label={`L0 over ${steps.length} steps, now ${figure(l0.at(-1))}`} x={steps} ys={[l0]} lines={[{ label: 'L0', colour: '#2f7ed8', show: figure }]} xLabel="step" range={[0, null]} />
        </figure>
        <figure>
          <figcaption>
            Dead concepts: share that never fired in the epoch <b>{percent(dead.at(-1) ?? NaN)}</b>
          </figcaption>
          <Plot label={`Dead share over ${epochs.length} epochs, now ${percent(dead.at(-1) ?? NaN)}`} x={epochs} ys={[dead]} lines={[{ label: 'dead', colour: '#b0489f', points: true, show: percent }]} xLabel="epoch" range={[0, Math.max(LEAST_DEAD, ...dead)]} />
        </figure>
      </div>
    </>
  );
}
