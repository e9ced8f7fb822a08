/** The page of tests in Chromium. */

import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { check, requireBrowser, runPage } from './support/browser.js';
import { goldenNames } from './support/files.js';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--enable-unsafe-webgpu',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

test('Chromium: kernels, golden cases, worker', async () => {
  requireBrowser(PROGRAM, 'chromium');
  const launch = async (url) => {
    const browser = await chromium.launch({ executablePath: PROGRAM, args: FLAGS });
    const page = await browser.newPage();
    await page.goto(url);
    return () => browser.close();
  };
  check(await runPage(launch, 15), goldenNames().length);
});
