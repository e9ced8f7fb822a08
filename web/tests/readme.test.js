/** The examples of the package's README, run as they stand there. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chooseDriver } from './support/driver.js';
import { root, web } from './support/files.js';
import { loaded } from './support/node.js';

const text = readFileSync(join(web, 'archetypal/README.md'), 'utf8');
const examples = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
assert.equal(examples.length, 2);

function written(name, code) {
  mkdirSync(join(web, 'tests/out'), { recursive: true });
  const file = join(web, 'tests/out', name);
  writeFileSync(file, code);
  return file;
}

test('the example runs', async (context) => {
  // Its own init() then finds the module loaded, which it could not fetch in Node.
  await loaded();
  const file = written('readme.mjs', examples[0]);
  context.mock.method(globalThis, 'fetch', async (name) => new Response(readFileSync(join(root, 'examples/data', name))));
  const log = context.mock.method(console, 'log', () => {});
  await import(pathToFileURL(file));
  const said = log.mock.calls.map(({ arguments: [first] }) => String(first));
  assert.match(said[0], /^epoch 0: R² /);
  assert.match(said[1], /^epoch 1: R² /);
  assert.deepEqual(said.slice(2), ['concepts of row 0:', 'on all rows:', '128']);
});

test('the example of Node with a GPU runs, and ends', () => {
  chooseDriver();
  const file = written('node.mjs', examples[1]);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  assert.ok(stdout.trim().length > 0, 'it names its device');
});
