/** Twelve hues that stay apart in light and dark and for most colour-blind eyes; used in order, then again. */
const HUES = ['#2f7ed8', '#e0642f', '#12998c', '#b0489f', '#c29a00', '#6a5acd', '#5a9a2a', '#d1415f', '#3aa7d9', '#9b6b3c', '#7d8a99', '#e58fb1'];

/** The colour of the i-th of several things. */
export function hue(i: number): string {
  return HUES[i % HUES.length];
}

const RAMPS = {
  light: ['#c9dcd8', '#7fbdb4', '#2f928c', '#1c6273', '#1b2f55'],
  dark: ['#23404a', '#2a6f77', '#35a596', '#8fd48c', '#f2ee9b'],
};

const channels = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** A colour for a share from 0 to 1, darker or lighter than the page as it grows. */
export function ramp(share: number, theme: 'light' | 'dark'): string {
  const stops = RAMPS[theme];
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  const [from, to] = [channels(stops[i]), channels(stops[i + 1])];
  return `rgb(${from.map((value, c) => Math.round(value + (to[c] - value) * (at - i))).join(' ')})`;
}
