/** What is in the package that would be published. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { version } from '../archetypal/dist/wasm/archetypal.js';
import { root, web } from './support/files.js';
import { loaded } from './support/node.js';

test('its version is that of the crate', async () => {
  await loaded();
  const { version: own } = JSON.parse(readFileSync(join(web, 'archetypal/package.json'), 'utf8'));
  assert.equal(own, version());
  assert.match(readFileSync(join(root, 'Cargo.toml'), 'utf8'), new RegExp(`^version = "${own}"$`, 'm'));
});

test('it holds the module, its types and the licences, and no sources', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: join(web, 'archetypal'), stdio: ['ignore', 'pipe', 'ignore'] });
  const report = JSON.parse(packed);
  const files = (report[0] ?? Object.values(report)[0]).files.map(({ path }) => path);
  for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/wasm/archetypal_bg.wasm', 'README.md', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    assert.ok(files.includes(file), `${file} is not in the package`);
  }
  assert.deepEqual(files.filter((file) => file.startsWith('src/')), []);
});
