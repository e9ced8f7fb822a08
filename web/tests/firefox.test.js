/** The page of tests in Firefox, which playwright's protocol cannot drive: it is started on the page, and the page reports. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { check, requireBrowser, runPage } from './support/browser.js';
import { withoutDriver } from './support/driver.js';
import { goldenNames } from './support/files.js';

const PROGRAM = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

test('Firefox: kernels, golden cases, worker', async () => {
  requireBrowser(PROGRAM, 'firefox-esr');
  const launch = async (url) => {
    const profile = await mkdtemp(join(tmpdir(), 'firefox-'));
    const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
    await writeFile(join(profile, 'user.js'), lines.join(''));
    const browser = spawn(PROGRAM, ['--headless', '--no-remote', '--profile', profile, url], {
      stdio: 'ignore',
      env: withoutDriver({ ...process.env, HOME: profile }),
    });
    return async () => {
      const ended = once(browser, 'exit');
      browser.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    };
  };
  check(await runPage(launch, 15), goldenNames().length);
});
