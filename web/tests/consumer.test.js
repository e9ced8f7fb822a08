/** The package in somebody else's project: bundled by Vite, run by Chromium. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'vite';
import { launchChromium } from './support/browser.js';
import { web } from './support/files.js';
import { serve } from './support/server.js';

test('Vite bundles the package, and the bundle runs in a page and in a worker', async () => {
  const out = join(web, 'tests/out/consumer');
  await build({
    root: join(web, 'tests/consumer'),
    base: './',
    logLevel: 'warn',
    worker: { format: 'es' },
    build: { outDir: out, emptyOutDir: true, target: 'es2022' },
  });
  const modules = readdirSync(join(out, 'assets')).filter((file) => file.endsWith('.wasm'));
  assert.equal(modules.length, 1, `one module for page and worker: ${modules}`);
  const server = await serve();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const failures = [];
    page.on('pageerror', (error) => failures.push(error.message));
    await page.goto(`${server.url}/tests/out/consumer/index.html`);
    const done = () => document.title.includes('worker');
    await page.waitForFunction(done, undefined, { timeout: 60_000 }).catch(() => assert.deepEqual(failures, []));
    assert.equal(await page.title(), 'CPU, 1 thread, 80 codes; in the worker CPU, 1 thread');
  } finally {
    await browser.close();
    server.close();
  }
});
