import type { Atlas } from '../../atlas/atlas.ts';
import { isDead } from '../../atlas/concepts.ts';
import { MISSING } from '../../atlas/manifest.ts';
import type { Colour, Size } from '../../state/route.ts';
import { hue, ramp } from '../../ui/palette.ts';
import { shortLabel } from '../../ui/text.ts';
import { ranks } from './scene.ts';

/** How each concept is drawn, and what the colours mean. */
export interface Looks {
  colour: string[];
  radius: Float32Array;
  legend: { name: string; colour: string }[];
  /** The lowest and highest value of a continuous colour. */
  range?: [number, number];
}

/** So many labels have a colour of their own. */
const NAMED_LABELS = 11;

export function looksOf(atlas: Atlas, colour: Colour, size: Size, theme: 'light' | 'dark'): Looks {
  const { concepts } = atlas;
  const other = theme === 'dark' ? '#5d6c67' : '#a9b5b1';
  const radius = radii(atlas, size);
  if (colour === 'label' && atlas.manifest.labels.length) return { radius, ...byLabel(atlas, other) };
  const values = colour === 'label' ? concepts.energy : concepts[colour];
  const rank = ranks(values);
  const there = values.filter((value, i) => !Number.isNaN(value) && !isDead(concepts, i));
  const low = there.reduce((a, b) => Math.min(a, b), Infinity);
  const high = there.reduce((a, b) => Math.max(a, b), -Infinity);
  return {
    radius,
    colour: Array.from(rank, (share, i) => (isDead(concepts, i) ? other : ramp(share, theme))),
    legend: [0, 0.25, 0.5, 0.75, 1].map((share) => ({ name: '', colour: ramp(share, theme) })),
    range: [low, high],
  };
}

function byLabel(atlas: Atlas, other: string): Pick<Looks, 'colour' | 'legend'> {
  const { concepts, manifest } = atlas;
  const counts = new Array<number>(manifest.labels.length).fill(0);
  for (const label of concepts.label) if (label !== MISSING) counts[label]++;
  const named = counts.map((_, label) => label).sort((a, b) => counts[b] - counts[a] || a - b).slice(0, NAMED_LABELS);
  const colourOf = new Map(named.map((label, i) => [label, hue(i)]));
  return {
    colour: Array.from(concepts.label, (label) => colourOf.get(label) ?? other),
    legend: [...named.map((label, i) => ({ name: shortLabel(manifest.labels[label]), colour: hue(i) })), { name: 'others', colour: other }],
  };
}

function radii({ concepts }: Atlas, size: Size): Float32Array {
  const small = concepts.count > 2000 ? 2 : 3.2;
  if (size === 'equal') return new Float32Array(concepts.count).fill(small + 1.5);
  const values = concepts[size];
  const most = values.reduce((a, b) => Math.max(a, b), 1e-12);
  return Float32Array.from(values, (value) => small + 9 * Math.sqrt(Math.max(0, value) / most));
}
