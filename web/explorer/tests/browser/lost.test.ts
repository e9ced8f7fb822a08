import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSite, type Site, visit } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite({ webgpu: true });
});
afterAll(() => site.close());

test('a GPU that is lost is reported, and the run goes on with the CPU', { timeout: 900_000 }, async () => {
  const { page, complaints, close } = await visit(site, '#train');
  // Keeps the device that the worker opens, so that it can be taken away.
  page.on('worker', (worker) => {
    void worker.evaluate(() => {
      const open = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...asked) {
        const device = await open.apply(this, asked);
        Object.assign(globalThis, { taken: device });
        return device;
      };
    });
  });
  await page.getByText('More settings').click();
  await page.getByLabel('Device', { exact: true }).selectOption('gpu');
  await page.getByLabel('Concepts', { exact: true }).fill('64');
  await page.getByLabel('Points', { exact: true }).fill('16');
  await page.getByLabel('Epochs', { exact: true }).fill('40');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.locator('.controls dt:text-is("epoch") + dd', { hasText: /^[1-9]/ }).waitFor({ timeout: 300_000 });
  const worker = page.workers().at(-1)!;
  await worker.evaluate(() => (globalThis as unknown as { taken: GPUDevice }).taken.destroy());
  await page.getByRole('alert').filter({ hasText: 'lost' }).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Go on with the CPU' }).click();
  await page.getByText('Computes on CPU').waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Look at its concepts' }).waitFor({ timeout: 120_000 });
  const epochs = await page.locator('.controls dt:text-is("epoch") + dd').textContent();
  expect(epochs).toBe('40 of 40');
  expect(complaints).toEqual([]);
  await close();
});
