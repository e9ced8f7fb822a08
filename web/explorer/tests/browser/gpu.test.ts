import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, type Site, trainOn, visit } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite({ webgpu: true });
});
afterAll(() => site.close());

// Small, for a GPU in software; train.test.ts trains at full size, on the CPU.
const SMALL = { Concepts: 128, Points: 32, Epochs: 4 };

test('pictures train on WebGPU to what the CPU reaches, and the page answers meanwhile', { timeout: 1_800_000 }, async () => {
  const { page, complaints, close } = await visit(site, '#train');
  const whileBusy = async () => {
    await page.getByRole('link', { name: 'Map' }).click();
    await page.locator('.map-field canvas').waitFor();
    await page.getByRole('link', { name: /^Training/ }).click();
  };
  const gpu = await trainOn(page, 'gpu', SMALL, whileBusy);
  expect(gpu.device).not.toBe('CPU');
  expect(gpu.r2).toBeGreaterThan(0.4);
  const cpu = await trainOn(page, 'cpu', SMALL);
  expect(cpu.device).toMatch(/^CPU/);
  expect(Math.abs(gpu.r2 - cpu.r2)).toBeLessThan(0.005);
  expect(complaints).toEqual([]);
  await close();
});
