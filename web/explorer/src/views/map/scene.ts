/** How map coordinates become pixels: equal scales, y up. */
export interface Camera {
  /** Map coordinates in the middle. */
  x: number;
  y: number;
  /** Pixels a unit. */
  scale: number;
}

export interface Extent {
  width: number;
  height: number;
}

/** The camera that shows all of `xy` that matters: outliers beyond the given quantile may lie outside. */
export function fit(xy: Float32Array, { width, height }: Extent, quantile = 0.985): Camera {
  if (!xy.length) return { x: 0, y: 0, scale: 1 };
  const range = (offset: number): [number, number] => {
    const values = xy.filter((_, i) => i % 2 === offset).sort();
    const cut = Math.floor((1 - quantile) * values.length);
    return [values[cut], values[values.length - 1 - cut]];
  };
  const [left, right] = range(0);
  const [bottom, top] = range(1);
  const across = Math.max(right - left, 1e-6);
  const up = Math.max(top - bottom, 1e-6);
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale: 0.88 * Math.min(width / across, height / up) };
}

export function toScreen(camera: Camera, { width, height }: Extent, x: number, y: number): [number, number] {
  return [width / 2 + (x - camera.x) * camera.scale, height / 2 - (y - camera.y) * camera.scale];
}

/** Zooms by a factor and keeps what lies under a pixel where it is. */
export function zoomAt(camera: Camera, { width, height }: Extent, factor: number, px: number, py: number): Camera {
  const x = camera.x + (px - width / 2) / camera.scale;
  const y = camera.y - (py - height / 2) / camera.scale;
  const scale = camera.scale * factor;
  return { x: x - (px - width / 2) / scale, y: y + (py - height / 2) / scale, scale };
}

export function pan(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, x: camera.x - dx / camera.scale, y: camera.y + dy / camera.scale };
}

/** The item of `xy` under a pixel, the nearest within its radius and some pixels more; -1 for none. */
export function hit(xy: Float32Array, radius: (i: number) => number, camera: Camera, extent: Extent, px: number, py: number): number {
  let best = -1;
  let nearest = Infinity;
  for (let i = 0; i < xy.length / 2; i++) {
    const [x, y] = toScreen(camera, extent, xy[2 * i], xy[2 * i + 1]);
    const distance = Math.hypot(x - px, y - py) - radius(i);
    if (distance < 5 && distance < nearest) {
      nearest = distance;
      best = i;
    }
  }
  return best;
}

const DIRECTIONS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** The nearest other item in the direction of an arrow key, what lies off to the side counting as farther. */
export function towards(xy: Float32Array, from: number, key: string): number {
  const direction = DIRECTIONS[key];
  if (!direction) return -1;
  let best = -1;
  let nearest = Infinity;
  for (let i = 0; i < xy.length / 2; i++) {
    const dx = xy[2 * i] - xy[2 * from];
    const dy = xy[2 * i + 1] - xy[2 * from + 1];
    const along = dx * direction[0] + dy * direction[1];
    const aside = Math.abs(dx * direction[1] - dy * direction[0]);
    if (i === from || along <= 0 || along < aside) continue;
    const distance = along + 2 * aside;
    if (distance < nearest) {
      nearest = distance;
      best = i;
    }
  }
  return best;
}

/** The position of each value among all, from 0 to 1; NaN counts as least. */
export function ranks(values: Float32Array): Float32Array {
  const key = (i: number) => (Number.isNaN(values[i]) ? -Infinity : values[i]);
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => key(a) - key(b) || a - b);
  const out = new Float32Array(values.length);
  order.forEach((id, rank) => (out[id] = rank / Math.max(1, values.length - 1)));
  return out;
}
