import { describe, expect, test } from 'vitest';
import { fit, hit, ranks, toScreen, towards, zoomAt } from '../../src/views/map/scene.ts';

const xy = new Float32Array([0, 0, 10, 0, 0, 5, -8, 1]);
const extent = { width: 400, height: 300 };

describe('the map', () => {
  test('shows everything, the middle in the middle', () => {
    const camera = fit(xy, extent);
    for (let i = 0; i < 4; i++) {
      const [x, y] = toScreen(camera, extent, xy[2 * i], xy[2 * i + 1]);
      expect(x > 0 && x < 400 && y > 0 && y < 300).toBe(true);
    }
    expect(toScreen(camera, extent, 1, 2.5)).toEqual([200, 150]);
  });

  test('zooms about the pointer', () => {
    const camera = fit(xy, extent);
    const [x, y] = toScreen(camera, extent, 10, 0);
    const closer = zoomAt(camera, extent, 3, x, y);
    const [x2, y2] = toScreen(closer, extent, 10, 0);
    expect(x2).toBeCloseTo(x);
    expect(y2).toBeCloseTo(y);
    expect(closer.scale).toBeCloseTo(3 * camera.scale);
  });

  test('finds what is under the pointer', () => {
    const camera = fit(xy, extent);
    const [x, y] = toScreen(camera, extent, 10, 0);
    expect(hit(xy, () => 3, camera, extent, x + 4, y)).toBe(1);
    expect(hit(xy, () => 3, camera, extent, x + 40, y)).toBe(-1);
  });

  test('arrow keys go to the nearest in their direction', () => {
    expect(towards(xy, 0, 'ArrowRight')).toBe(1);
    expect(towards(xy, 0, 'ArrowUp')).toBe(2);
    expect(towards(xy, 0, 'ArrowLeft')).toBe(3);
    expect(towards(xy, 0, 'ArrowDown')).toBe(-1);
  });

  test('ranks spread evenly, what is missing lowest', () => {
    expect([...ranks(new Float32Array([5, NaN, 1]))]).toEqual([1, 0, 0.5]);
  });
});
