/** Catmull-Rom weights of the four neighbours at a place between the middle two. */
function cubic(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2];
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * A grid of cells, [height, width], as a smooth field of [outHeight, outWidth] values, bicubic, never below 0 nor above
 * `most`. Cells are areas: the middle of the first lies half a cell from the edge.
 */
export function smooth(
  cells: ArrayLike<number>,
  [height, width]: [number, number],
  [outHeight, outWidth]: [number, number],
  most: number,
): Float32Array {
  const rows = new Float32Array(height * outWidth);
  for (let x = 0; x < outWidth; x++) {
    const at = ((x + 0.5) / outWidth) * width - 0.5;
    const first = Math.floor(at);
    const weights = cubic(at - first);
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let i = 0; i < 4; i++) sum += weights[i] * cells[y * width + clamp(first - 1 + i, 0, width - 1)];
      rows[y * outWidth + x] = sum;
    }
  }
  const out = new Float32Array(outHeight * outWidth);
  for (let y = 0; y < outHeight; y++) {
    const at = ((y + 0.5) / outHeight) * height - 0.5;
    const first = Math.floor(at);
    const weights = cubic(at - first);
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let i = 0; i < 4; i++) sum += weights[i] * rows[clamp(first - 1 + i, 0, height - 1) * outWidth + x];
      out[y * outWidth + x] = clamp(sum, 0, most);
    }
  }
  return out;
}

/** Amber, red, plum: each brighter than the next, so that the order is seen without colour too. */
const STOPS = [
  [255, 184, 28],
  [232, 62, 48],
  [120, 10, 110],
];

/** Red, green, blue and opacity of a share from 0 to 1: clear at 0, denser as it grows. */
export function heatColour(share: number): [number, number, number, number] {
  const t = clamp(share, 0, 1);
  const at = t * (STOPS.length - 1);
  const i = Math.min(Math.floor(at), STOPS.length - 2);
  const mix = (channel: number) => STOPS[i][channel] + (STOPS[i + 1][channel] - STOPS[i][channel]) * (at - i);
  return [mix(0), mix(1), mix(2), 210 * Math.min(1, 1.5 * t)];
}

const SIDE = 56;

/** Paints a grid of values from 0 to `most` on a canvas as a heat map. */
export function paintHeat(canvas: HTMLCanvasElement, cells: ArrayLike<number>, grid: [number, number], most: number): void {
  const [height, width] = grid;
  const scale = SIDE / Math.max(height, width);
  const size: [number, number] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  canvas.height = size[0];
  canvas.width = size[1];
  const context = canvas.getContext('2d');
  if (!context) return;
  const field = smooth(cells, grid, size, most);
  const image = context.createImageData(size[1], size[0]);
  field.forEach((value, i) => image.data.set(heatColour(value / most), 4 * i));
  context.putImageData(image, 0, 0);
}
