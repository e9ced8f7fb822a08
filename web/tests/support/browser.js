/** The page of tests in a browser that is here as a program. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { withoutDriver } from './driver.js';
import { serve } from './server.js';

/** Chromium, and what it needs to be told: WebGPU also on a software driver, and no errands of its own. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--enable-unsafe-webgpu',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Fails, rather than passing by absence. */
export function requireBrowser(path, packageName) {
  assert.ok(
    existsSync(path),
    `${path} is missing; on Debian: apt-get install --no-install-recommends ${packageName}`,
  );
}

/** Chromium without a window. */
export function launchChromium() {
  requireBrowser(CHROMIUM, 'chromium');
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS, env: withoutDriver({ ...process.env }) });
}

/** Opens the page with `launch(url)`, which returns a function that closes the browser; the page's result. */
export async function runPage(launch, minutes) {
  let latest = 'nothing yet';
  const server = await serve((text) => (latest = text));
  const close = await launch(`${server.url}/tests/page/index.html`);
  let timer;
  const late = new Promise((_, reject) => {
    const failed = () => reject(new Error(`no result after ${minutes} minutes; last heard: ${latest}`));
    timer = setTimeout(failed, minutes * 60_000);
  });
  try {
    return await Promise.race([server.result, late]);
  } finally {
    clearTimeout(timer);
    await close();
    server.close();
  }
}

/** Checks what the page found. */
export function check(result, cases) {
  assert.equal(result.failure, undefined);
  assert.ok(result.isGpu, 'the cases ran on the GPU backend');
  assert.deepEqual(result.shaders.failures, []);
  assert.equal(result.cases.length, cases);
  const out = result.cases.filter(({ worst }) => !(worst <= 1));
  const said = out.map(({ name, tensor, error, bound }) => `${name}: ${tensor} ${error} of ${bound}`);
  assert.deepEqual(said, []);
  assert.equal(result.worker.steps, 160);
  assert.ok(result.worker.turns > 5, `messages got through ${result.worker.turns} times`);
}
