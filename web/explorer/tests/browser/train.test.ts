import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { built, openSite, type Site, type Visit, visit } from './site.ts';

let site: Site;
let one: Visit;

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
afterEach(async () => {
  const { complaints } = one;
  await one.close();
  expect(complaints).toEqual([]);
});

async function at(path: string): Promise<Page> {
  one = await visit(site, path);
  return one.page;
}

/** A .npy file of f32 with two directions in it. */
function npy(rows: number, width: number): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`;
  const text = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(text.length, 8);
  const values = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 1.7) + (Math.floor(i / width) % 2 ? i % width : width - (i % width)));
  return Buffer.concat([head, Buffer.from(text, 'latin1'), Buffer.from(values.buffer)]);
}

/** Drops files on the page as a visitor would. */
async function drop(page: Page, files: { name: string; bytes: Buffer }[]): Promise<void> {
  const carried = files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') }));
  await page.evaluate((given) => {
    const data = new DataTransfer();
    for (const { name, base64 } of given) data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    for (const type of ['dragenter', 'dragover', 'drop']) window.dispatchEvent(new DragEvent(type, { dataTransfer: data, cancelable: true }));
  }, carried);
}

const r2 = async (page: Page) => Number(await page.locator('.controls dt:text-is("R²") + dd').textContent());

test('pictures train to R² above 0.7 while the page answers, and their concepts open', { timeout: 400_000 }, async () => {
  const page = await at('#train');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 120_000 });
  await page.locator('.curves canvas').first().waitFor({ timeout: 120_000 });
  await page.getByRole('link', { name: 'Map' }).click();
  await page.locator('.map-field canvas').waitFor();
  await page.getByRole('link', { name: /^Training/ }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).waitFor({ timeout: 150_000 });
  expect(await r2(page)).toBeGreaterThan(0.7);
  await page.getByRole('button', { name: 'Look at its concepts' }).click();
  await page.locator('.firings img').first().waitFor();
  await page.locator('.point-tile img').first().waitFor();
  expect(await page.getByRole('button', { name: 'Pictures, trained here' }).getAttribute('aria-pressed')).toBe('true');
});

test('a run pauses, goes on and stops with what it has', { timeout: 400_000 }, async () => {
  const page = await at('#train');
  await page.getByLabel('Epochs').fill('500');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Pause' }).click({ timeout: 120_000 });
  await page.getByText('Paused').waitFor();
  const step = () => page.locator('.controls dt:text-is("step") + dd').textContent();
  await page.waitForTimeout(400);
  const held = await step();
  await page.waitForTimeout(600);
  expect(await step()).toBe(held);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForFunction((text) => document.querySelector('.controls dd')?.textContent !== text, held);
  await page.getByRole('button', { name: 'Stop and look' }).click();
  await page.getByText('Stopped early.').waitFor({ timeout: 120_000 });
});

test('the preparation can be stopped, and started anew', { timeout: 400_000 }, async () => {
  const page = await at('#train');
  await page.getByLabel('Points').fill('2000');
  await page.getByRole('button', { name: 'Start training' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('Ready').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.getByLabel('Points').fill('64');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 120_000 });
});

test('own files are taken by drop, trained on, and looked at', { timeout: 400_000 }, async () => {
  const page = await at('');
  await page.locator('.firings img').first().waitFor();
  const lines = Array.from({ length: 600 }, (_, i) => JSON.stringify({ text: `row called ${i}`, label: i % 2 ? 'rising' : 'falling' }));
  await drop(page, [
    { name: 'mine.npy', bytes: npy(600, 8) },
    { name: 'mine.jsonl', bytes: Buffer.from(lines.join('\n')) },
  ]);
  await page.getByText('600 rows of 8 dimensions').waitFor();
  expect(await page.getByRole('radio', { name: /^Your own/ }).isChecked()).toBe(true);
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).click({ timeout: 120_000 });
  await page.locator('.firing-words', { hasText: 'row called' }).first().waitFor();
  await page.getByRole('link', { name: 'Examples' }).click();
  await page.getByText('600 texts').waitFor();
});

test('activations alone are enough: rows stand for themselves', { timeout: 400_000 }, async () => {
  const page = await at('#train');
  await page.getByRole('radio', { name: /^Your own/ }).check();
  await page.locator('input[type=file]').setInputFiles({ name: 'alone.npy', mimeType: 'application/octet-stream', buffer: npy(300, 6) });
  await page.getByText('300 rows of 6 dimensions').waitFor();
  await page.getByLabel('Model', { exact: true }).selectOption('topk');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).click({ timeout: 120_000 });
  await page.locator('.firing-words', { hasText: /^row \d+/ }).first().waitFor();
  expect(await page.locator('.made-of').count()).toBe(0);
  await page.getByRole('link', { name: 'Examples' }).click();
  await page.locator('.part').first().waitFor();
  await page.getByRole('link', { name: 'Map' }).click();
  await page.locator('.map-field canvas').waitFor();
});

test('the shipped pictures work as files of one\'s own, with their grid', { timeout: 400_000 }, async () => {
  const page = await at('#train');
  const data = await readFile(built('sets/pictures/data.safetensors'));
  const examples = JSON.parse(await readFile(built('sets/pictures/examples/0.json'), 'utf8')) as { image: string; label: string }[];
  const pictures = await Promise.all(examples.map(async ({ image }) => ({ name: image.split('/').at(-1)!, bytes: await readFile(built(`sets/pictures/${image}`)) })));
  await drop(page, [{ name: 'activations.safetensors', bytes: data }, { name: 'list.jsonl', bytes: Buffer.from(examples.map((line) => JSON.stringify(line)).join('\n')) }, ...pictures]);
  await page.getByText('6 272 rows of 320 dimensions, in grids of 7 × 7 cells').waitFor();
  await page.getByLabel('Epochs').fill('1');
  await page.getByLabel('Concepts', { exact: true }).fill('128');
  await page.getByLabel('Points', { exact: true }).fill('64');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).click({ timeout: 120_000 });
  await page.waitForFunction(() => [...document.querySelectorAll<HTMLImageElement>('.firings img')].some((image) => image.naturalWidth > 0 && image.src.startsWith('blob:')));
});

test('a model that was taken home is looked at again without training', { timeout: 400_000 }, async () => {
  const page = await at('#train?set=words');
  await page.getByRole('radio', { name: /^Words/ }).check();
  await page.getByLabel('Epochs').fill('1');
  await page.getByLabel('Concepts', { exact: true }).fill('64');
  await page.getByLabel('Points', { exact: true }).fill('32');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).click({ timeout: 120_000 });
  await page.getByText('Download', { exact: true }).click();
  const [model] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Model/ }).click()]);
  await drop(page, [
    { name: 'model.safetensors', bytes: await readFile(await model.path()) },
    { name: 'words.safetensors', bytes: await readFile(built('sets/words/data.safetensors')) },
  ]);
  await page.getByRole('button', { name: 'Look with model.safetensors instead' }).click();
  await page.getByRole('button', { name: 'Look at its concepts' }).click({ timeout: 120_000 });
  await page.locator('.firings').first().waitFor();
  expect(await page.getByRole('button', { name: 'Your data' }).getAttribute('aria-pressed')).toBe('true');
});

test('a bad file, and examples that do not fit, show their message', async () => {
  const page = await at('#train');
  await drop(page, [{ name: 'bad.npy', bytes: Buffer.from('this is no array') }]);
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').textContent()).toContain('bad.npy');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await drop(page, [{ name: 'notes.txt', bytes: Buffer.from('x') }]);
  await page.getByRole('alert').filter({ hasText: 'notes.txt' }).waitFor();
  await drop(page, [{ name: 'ok.npy', bytes: npy(10, 4) }, { name: 'few.jsonl', bytes: Buffer.from('{"text":"a"}\n{"text":"b"}\n{"text":"c"}') }]);
  await page.getByRole('alert').filter({ hasText: 'There are 3 examples for 10 rows' }).waitFor();
  await page.getByRole('button', { name: 'Remove these files' }).click();
});

test('a setting out of range is refused in the words of the package', async () => {
  const page = await at('#train');
  await page.getByText('More settings').click();
  await page.getByLabel('Loss', { exact: true }).fill('nonsense');
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('alert').filter({ hasText: 'nonsense' }).waitFor({ timeout: 120_000 });
});

test('two seeds of each kind are compared atom by atom', { timeout: 400_000 }, async () => {
  const page = await at('#stability');
  await page.getByLabel('Epochs').fill('3');
  await page.getByLabel('Concepts', { exact: true }).fill('64');
  await page.getByLabel('Points', { exact: true }).fill('64');
  await page.getByRole('button', { name: 'Train four and compare' }).click();
  await page.locator('.pair-row img').first().waitFor({ timeout: 200_000 });
  const means = (await page.locator('.big').allTextContents()).map(Number);
  expect(means.length).toBe(2);
  for (const mean of means) expect(mean > 0 && mean <= 1).toBe(true);
  const cosine = async () => Number(await page.locator('.pair-cosine').first().textContent());
  const best = await cosine();
  await page.getByLabel('First').selectOption('worst');
  await page.waitForFunction((text) => document.querySelector('.pair-cosine')?.textContent !== text, best.toFixed(3));
  expect(await cosine()).toBeLessThan(best);
});
