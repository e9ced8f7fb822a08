import type { Colour } from '../../state/route.ts';
import { figure, percent } from '../../ui/text.ts';
import type { Looks } from './looks.ts';

interface Props {
  looks: Looks;
  colour: Colour;
  points: boolean;
  explained?: Float32Array;
}

/** What colours and shapes mean. */
export function Legend({ looks, colour, points, explained }: Props) {
  return (
    <div class="legend">
      {looks.range ? (
        <p>
          {colour}: {figure(looks.range[0])}{' '}
          <span class="legend-ramp" style={{ background: `linear-gradient(90deg, ${looks.legend.map((entry) => entry.colour).join(',')})` }} />{' '}
          {figure(looks.range[1])} <span class="faint">by rank</span>
        </p>
      ) : (
        <ul>
          {looks.legend.map(({ name, colour: shown }) => (
            <li key={name}>
              <i style={{ background: shown }} aria-hidden="true" /> {name}
            </li>
          ))}
        </ul>
      )}
      <p class="faint">
        ● atoms{points && ' ◇ points'}
        {explained && ` · small squares: data · axes explain ${percent(explained[0])} and ${percent(explained[1])} of the variance`}
      </p>
    </div>
  );
}
