import { hue } from '../../ui/palette.ts';
import { figure, percent } from '../../ui/text.ts';

interface Props {
  /** Mixing weights, largest first. */
  weights: number[];
  /** ‖R‖/δ, or NaN. */
  relaxation: number;
}

const CENTRE = 60;
const RADIUS = 44;
/** The ring around the mixture is this wide where the relaxation is at its bound. */
const RING = 15;

/** The points as corners, the atom between them where its weights pull it, and how far the relaxation may carry it. */
export function MixtureFigure({ weights, relaxation }: Props) {
  const corners = weights.map((_, i) => {
    const angle = (2 * Math.PI * i) / Math.max(weights.length, 1) - Math.PI / 2;
    return { x: CENTRE + RADIUS * Math.cos(angle), y: CENTRE + RADIUS * Math.sin(angle) };
  });
  // What the points that are not shown add pulls to all sides, so it counts as the middle.
  const total = Math.max(1, weights.reduce((sum, weight) => sum + weight, 0));
  const x = corners.reduce((sum, corner, i) => sum + ((corner.x - CENTRE) * weights[i]) / total, CENTRE);
  const y = corners.reduce((sum, corner, i) => sum + ((corner.y - CENTRE) * weights[i]) / total, CENTRE);
  const says = `The atom between ${weights.length} points with weights ${weights.map(percent).join(', ')}; relaxation ${figure(relaxation)} of its bound`;
  return (
    <svg class="mixture-figure" viewBox="0 0 120 120" role="img" aria-label={says}>
      {corners.length > 2 && (
        <path d={`M${corners.map((c) => `${c.x} ${c.y}`).join('L')}Z`} fill="var(--accent-wash)" stroke="var(--line-strong)" />
      )}
      {corners.map((corner, i) => (
        <line key={i} x1={corner.x} y1={corner.y} x2={x} y2={y} stroke={hue(i)} stroke-width={0.6 + 5 * weights[i]} stroke-linecap="round" />
      ))}
      {relaxation > 0 && (
        <circle cx={x} cy={y} r={5 + RING * Math.min(1, relaxation)} fill="var(--spark)" fill-opacity="0.18" stroke="var(--spark)" stroke-dasharray="2 2" />
      )}
      {corners.map((corner, i) => (
        <circle key={i} cx={corner.x} cy={corner.y} r={4 + 7 * Math.sqrt(weights[i])} fill={hue(i)} stroke="var(--page)" stroke-width="1.5" />
      ))}
      <circle cx={x} cy={y} r="5" fill="var(--spark)" stroke="var(--page)" stroke-width="1.5" />
    </svg>
  );
}
