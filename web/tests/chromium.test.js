/** The page of tests in Chromium. */

import { test } from 'node:test';
import { check, launchChromium, runPage } from './support/browser.js';
import { goldenNames } from './support/files.js';

test('Chromium: kernels, golden cases, worker', async () => {
  const launch = async (url) => {
    const browser = await launchChromium();
    const page = await browser.newPage();
    await page.goto(url);
    return () => browser.close();
  };
  check(await runPage(launch, 15), goldenNames().length);
});
