import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseSafetensors, pick } from '../../src/atlas/safetensors.ts';
import { openSite, type Site, type Visit, visit } from './site.ts';

let site: Site;
let visits: Visit[] = [];

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
afterEach(async () => {
  const complaints = visits.flatMap((one) => one.complaints);
  for (const one of visits) await one.close();
  visits = [];
  expect(complaints).toEqual([]);
});

async function at(path: string, visitor = {}) {
  const one = await visit(site, path, visitor);
  visits.push(one);
  return one.page;
}

test('a link restores what was seen', async () => {
  const page = await at('#concepts?set=words&concept=9&sort=purity&q=noun');
  await page.getByRole('heading', { name: 'Concept 9', exact: true }).waitFor();
  expect(await page.getByLabel('Sort by').inputValue()).toBe('purity');
  expect(await page.getByLabel('Search concepts').inputValue()).toBe('noun');
  expect(await page.getByRole('button', { name: 'Words', exact: true }).getAttribute('aria-pressed')).toBe('true');
});

test('a link to what is gone says so', async () => {
  const page = await at('#concepts?set=trained');
  await page.getByText('was made in a page that is gone').waitFor();
  await page.locator('.firings img').first().waitFor();
});

test('the theme follows the system, then the visitor', async () => {
  const page = await at('', { theme: 'dark' });
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await background();
  await page.getByRole('button', { name: 'Switch to the light theme' }).click();
  const light = await background();
  expect(light).not.toBe(dark);
  await page.reload();
  await page.locator('.head').waitFor();
  expect(await background()).toBe(light);
});

test('the keyboard reaches the content and everything has a name', async () => {
  const page = await at('');
  await page.locator('.firings img').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  for (const view of ['concepts', 'map', 'examples', 'train', 'stability']) {
    await page.evaluate((hash) => (location.hash = hash), view);
    await page.waitForTimeout(400);
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, input, select, [role=img], [role=listbox], canvas[tabindex]')]
        .filter((element) => {
          const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
          const texts = [element.getAttribute('aria-label'), element.textContent, element.querySelector('img')?.alt, ...labels.map((label) => label.textContent)];
          return !texts.some((text) => text?.trim());
        })
        .map((element) => element.outerHTML.slice(0, 120)),
    );
    expect(unnamed).toEqual([]);
  }
});

test('no view scrolls sideways on a phone', async () => {
  for (const hash of ['#concepts', '#concepts?concept=3', '#concepts?set=words&concept=3', '#map?concept=3', '#examples', '#examples?example=4', '#examples?set=words&example=4', '#train', '#stability']) {
    const page = await at(hash, { width: 390, height: 844 });
    await page.waitForTimeout(600);
    expect([hash, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([hash, 390]);
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll('main *')].filter((element) => {
        const { right, width } = element.getBoundingClientRect();
        return width > 0 && right > 391 && getComputedStyle(element).position !== 'absolute';
      }).map((element) => element.className).slice(0, 3),
    );
    expect([hash, wide]).toEqual([hash, []]);
  }
});

test('on a phone the list leads to a concept and back', async () => {
  const page = await at('', { width: 390, height: 844 });
  await page.locator('.virtual-item').nth(2).click();
  await page.locator('.detail .firings img').first().waitFor();
  await page.getByRole('button', { name: '‹ All concepts' }).click();
  await page.locator('.virtual-item').nth(2).waitFor();
});

test('where list and concept take turns, arrows only move and enter opens', async () => {
  const page = await at('', { width: 700, height: 800 });
  const list = page.getByRole('listbox', { name: 'Concepts' });
  await list.focus();
  const first = await page.locator('[aria-selected=true] b').textContent();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction((before) => document.querySelector('[aria-selected=true] b')?.textContent !== before, first);
  const chosen = await page.locator('[aria-selected=true] b').textContent();
  expect(await list.isVisible()).toBe(true);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: `Concept ${chosen}`, exact: true }).waitFor();
  await page.waitForFunction(() => document.activeElement?.classList.contains('detail'));
  await page.getByRole('button', { name: '‹ All concepts' }).click();
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'listbox');
});

test('an atlas without rows shows its examples, without a reconstruction', async () => {
  const page = await at('');
  await page.route('**/manifest.json', async (route) => {
    const manifest = await (await route.fetch()).json();
    await route.fulfill({ json: { ...manifest, files: { ...manifest.files, rows: false } } });
  });
  await page.goto(`${site.address}#examples?example=5`);
  await page.reload();
  await page.locator('.part').first().waitFor();
  await page.getByText('made without its rows').waitFor();
});

test('a map that cannot be arranged says so once, and can be tried again', async () => {
  const one = await visit(site, '#map');
  let asked = 0;
  await one.page.route('**/atoms/0.safetensors', (route) => (asked++, route.abort()));
  await one.page.getByLabel('Layout').selectOption('umap');
  await one.page.getByRole('button', { name: 'Show the principal axes instead' }).waitFor();
  await one.page.waitForTimeout(300);
  expect(asked).toBe(1);
  await one.page.getByRole('button', { name: 'Show the principal axes instead' }).click();
  await one.page.locator('.map-field canvas').waitFor();
  await one.page.unroute('**/atoms/0.safetensors');
  await one.page.getByLabel('Layout').selectOption('umap');
  await one.page.locator('.map-field canvas').waitFor({ timeout: 60_000 });
  await one.close();
});

test('model and codes can be taken home', async () => {
  const page = await at('');
  await page.getByText('Download', { exact: true }).click();
  const [model] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Model/ }).click()]);
  expect(model.suggestedFilename()).toMatch(/-sae\.safetensors$/);
  const [codes] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Codes/ }).click()]);
  const bytes = await readFile(await codes.path());
  const table = parseSafetensors('codes', bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer);
  const ends = pick('codes', table, 'indptr', 'u32');
  expect(ends.length).toBe(6272 + 1);
  expect(ends.at(-1)).toBe(pick('codes', table, 'values', 'f32').length);
});

describe('a big atlas', () => {
  test('of 300 000 rows and 10 000 concepts lists only what is in sight', async () => {
    const page = await at('?atlas=big/');
    await page.locator('.firing-words').first().waitFor();
    expect(await page.locator('.virtual-item').count()).toBeLessThan(40);
    await page.getByRole('listbox', { name: 'Concepts' }).press('End');
    await page.waitForFunction(() => document.querySelector('[aria-selected=true]')?.getAttribute('aria-posinset') === '10000');
    await page.getByRole('link', { name: 'Map' }).click();
    await page.locator('.map-field canvas').waitFor();
    await page.getByRole('link', { name: 'Examples' }).click();
    await page.getByRole('listbox', { name: 'Examples' }).press('End');
    await page.getByRole('heading', { name: 'text number 299999' }).waitFor();
    const shown = page.locator('.virtual-item[aria-selected=true]');
    expect((await shown.boundingBox())!.y).toBeLessThan(900);
    await page.getByRole('listbox', { name: 'Examples' }).press('ArrowUp');
    await page.getByRole('heading', { name: 'text number 299998' }).waitFor();
    await page.getByLabel('Search examples').fill('number 98765');
    await page.waitForFunction(() => /^1 of/.test(document.querySelector('.count')?.textContent ?? ''));
  });
});

test('an atlas that is not there says so and can be tried again', async () => {
  const one = await visit(site, '?atlas=nowhere/');
  await one.page.getByRole('alert').waitFor();
  expect(await one.page.getByRole('alert').textContent()).toContain('404');
  await one.page.getByRole('button', { name: 'Try again' }).click();
  await one.page.getByRole('alert').waitFor();
  await one.close();
});
