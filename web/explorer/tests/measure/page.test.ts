import { afterEach, expect, test } from 'vitest';
import { openSite, type Site, trainOn, visit } from '../browser/site.ts';

/** Prints how long things take; nothing here fails for being slow. `ATLAS=FOLDER` adds how an atlas of one's own opens. */
let site: Site;
afterEach(() => site.close());

const HOUR = 3_600_000;
const say = (what: string, figure: string) => process.stdout.write(`${what}: ${figure}\n`);
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** From the address to `selector`, each time as a new visitor; the median. */
async function opening(path: string, selector: string, times = 5): Promise<number> {
  const taken = [];
  for (let i = 0; i < times; i++) {
    const before = performance.now();
    const { page, close } = await visit(site, path);
    await page.locator(selector).first().waitFor();
    taken.push(performance.now() - before);
    await close();
  }
  return median(taken);
}

test('opening', { timeout: HOUR }, async () => {
  site = await openSite();
  say('first picture concept', seconds(await opening('', '.firings img')));
  say('first text concept', seconds(await opening('#concepts?set=words', '.firing-words')));
  if (!process.env.ATLAS) return;
  for (const view of ['concepts', 'map', 'examples']) {
    const shown = { concepts: '.detail .firing', map: '.map-field canvas', examples: '.detail .part' }[view]!;
    say(`${view} of ${process.env.ATLAS}`, seconds(await opening(`?atlas=given/#${view}`, shown, 3)));
  }
});

test.for(['gpu', 'cpu'] as const)('training on the %s', { timeout: HOUR }, async (backend) => {
  site = await openSite({ webgpu: true });
  const { page, close } = await visit(site, '#train');
  let done = false;
  const waits: number[] = [];
  // A click on another view, until that view is there.
  const clicks = async () => {
    for (let i = 0; !done; i++) {
      const [name, shown] = i % 2 ? ([/^Training/, '.controls'] as const) : (['Concepts', '.detail .firings img'] as const);
      const link = page.getByRole('link', { name, exact: i % 2 === 0 });
      const before = performance.now();
      await link.click();
      await page.locator(shown).first().waitFor();
      waits.push(performance.now() - before);
      await page.waitForTimeout(500);
      if (i === 9) return;
    }
  };
  const before = performance.now();
  const { device, r2 } = await trainOn(page, backend, {}, clicks);
  done = true;
  say(`10 epochs of the pictures on ${device}`, `${seconds(performance.now() - before)}, R² ${r2.toFixed(4)}`);
  if (waits.length) say('a click meanwhile', `median ${seconds(median(waits))}, longest ${seconds(Math.max(...waits))}`);
  expect(r2).toBeGreaterThan(0);
  await close();
});
