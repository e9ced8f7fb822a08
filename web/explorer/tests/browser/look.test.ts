import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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

describe('concepts', () => {
  test('the page opens on a concept of the pictures, with its points', async () => {
    const page = await at('');
    await page.locator('.firings img').first().waitFor();
    await page.locator('.point-tile img').first().waitFor();
    expect(await page.locator('.virtual-item').count()).toBeGreaterThan(5);
  });

  test('the words open on a concept of theirs', async () => {
    const page = await at('#concepts?set=words');
    await page.locator('.firing-words').first().waitFor();
    expect((await page.locator('.firing-words').first().textContent())!.length).toBeGreaterThan(5);
  });

  test('a concept opens with heat maps, quantiles, histogram, points and relatives', async () => {
    const page = await at('');
    await page.locator('.virtual-item').nth(3).click();
    await page.locator('.detail[aria-busy=false] .firings .heat').first().waitFor();
    const painted = await page.locator('.detail .firings .heat').first().evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 100).length;
    });
    expect(painted).toBeGreaterThan(10);
    expect(await page.locator('.quantile').count()).toBe(5);
    expect(await page.locator('.point-tile').count()).toBeGreaterThan(0);
    expect(await page.locator('.point-tile .cell-frame').count()).toBeGreaterThan(0);
    expect(await page.locator('.made-of').textContent()).toContain('relaxation ‖R‖/δ');
    await page.locator('.plot canvas').first().waitFor();
    const next = page.locator('.related a').first();
    const id = await next.locator('b').textContent();
    await next.click();
    await page.getByRole('heading', { name: `Concept ${id}`, exact: true }).waitFor();
    await page.goBack();
    await page.locator('h2', { hasText: /Concept/ }).waitFor();
    expect(page.url()).not.toContain(`concept=${id}`);
  });

  test('heat maps can be switched off', async () => {
    const page = await at('');
    await page.locator('.detail .heat').first().waitFor();
    await page.getByLabel('Heat maps').uncheck();
    await page.waitForFunction(() => document.querySelectorAll('.detail .heat').length === 0);
    expect(page.url()).toContain('heat=off');
  });

  test('the list sorts and searches', async () => {
    const page = await at('#concepts?set=words');
    await page.locator('.virtual-item').first().waitFor();
    await page.getByLabel('Sort by').selectOption('id');
    await page.waitForFunction(() => document.querySelector('.virtual-item b')?.textContent === '0');
    await page.getByLabel('Search concepts').fill('17');
    await page.waitForFunction(() => document.querySelectorAll('.virtual-item').length < 20);
    expect(await page.locator('.virtual-item b').allTextContents()).toContain('17');
    await page.getByLabel('Search concepts').fill('animal');
    await page.waitForFunction(() => /of/.test(document.querySelector('.count')?.textContent ?? ''));
    expect(await page.locator('.virtual-item').count()).toBeGreaterThan(0);
    await page.getByLabel('Search concepts').fill('qqqq');
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Show all concepts' }).click();
    await page.waitForFunction(() => document.querySelectorAll('.virtual-item').length > 5);
  });

  test('arrow keys walk through the list', async () => {
    const page = await at('#concepts?sort=id&concept=4');
    await page.getByRole('listbox', { name: 'Concepts' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'Concept 5', exact: true }).waitFor();
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('[aria-selected=true] b')?.textContent !== '5');
    const active = await page.getByRole('listbox', { name: 'Concepts' }).getAttribute('aria-activedescendant');
    expect(await page.locator(`#${active}`).getAttribute('aria-selected')).toBe('true');
  });
});

describe('examples', () => {
  test('switching a concept off costs reconstruction, and the link keeps it', async () => {
    const page = await at('#examples?example=5');
    await page.locator('.part').first().waitFor();
    const r2 = () => page.locator('.errors figcaption b').last().textContent();
    const before = await r2();
    await page.getByRole('switch').first().uncheck();
    await page.getByText('1 switched off').waitFor();
    expect(await r2()).not.toBe(before);
    const after = await r2();
    const again = await at(page.url().slice(site.address.length));
    await again.getByText('1 switched off').waitFor();
    expect(await again.locator('.errors figcaption b').last().textContent()).toBe(after);
    await page.getByRole('button', { name: 'Switch all on' }).click();
    await page.getByText('none switched off').waitFor();
    expect(await r2()).toBe(before);
  });

  test('a cell has concepts of its own', async () => {
    const page = await at('#examples?example=5');
    await page.getByRole('button', { name: /^Row 4, column 4/ }).click();
    await page.getByRole('heading', { name: 'Concepts of cell 25' }).waitFor();
    expect(page.url()).toContain('cell=24');
    const some = await page.locator('.part').count();
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThanOrEqual(16);
    await page.getByRole('button', { name: 'All concepts' }).click();
    await page.getByRole('button', { name: 'All cells' }).click();
    await page.locator('.part a').first().click();
    await page.getByRole('heading', { name: /^Concept \d+$/ }).waitFor();
  });

  test('texts are found by their words', async () => {
    const page = await at('#examples?set=words');
    await page.getByLabel('Search examples').fill('flamingo');
    await page.waitForFunction(() => /^\d+ of/.test(document.querySelector('.count')?.textContent ?? ''));
    expect(await page.locator('.virtual-item').first().textContent()).toContain('lamingo');
  });
});

describe('the map', () => {
  test('hovering shows, clicking chooses, Enter opens', async () => {
    const page = await at('#map');
    await page.locator('.map-field canvas').waitFor();
    const box = (await page.locator('.map-field').boundingBox())!;
    let found = false;
    for (let i = 0; i < 400 && !found; i++) {
      await page.mouse.move(box.x + box.width * (0.3 + 0.02 * (i % 20)), box.y + box.height * (0.3 + 0.02 * Math.floor(i / 20)));
      found = (await page.locator('.hover-card', { hasText: 'Concept' }).count()) > 0;
    }
    expect(found).toBe(true);
    await page.mouse.down();
    await page.mouse.up();
    await page.locator('.map-card h2', { hasText: 'Concept' }).waitFor();
    await page.locator('.map-field canvas').focus();
    const before = await page.locator('.map-card h2').textContent();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((text) => document.querySelector('.map-card h2')?.textContent !== text, before);
    const chosen = await page.locator('.map-card h2').textContent();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: chosen!, exact: true }).waitFor();
    expect(page.url()).toContain('#concepts');
  });

  test('colours, sizes and UMAP', async () => {
    const page = await at('#map');
    await page.getByLabel('Colour').selectOption('frequency');
    await page.getByLabel('Size').selectOption('max');
    await page.locator('.legend-ramp').waitFor();
    await page.getByLabel('Layout').selectOption('umap');
    await page.locator('.map-field canvas').waitFor({ timeout: 120_000 });
    expect(page.url()).toContain('layout=umap');
  });
});
