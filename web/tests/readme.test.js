/** The example of the package's README, run as it stands there. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root, web } from './support/files.js';
import { loaded } from './support/node.js';

test('the example runs', async (context) => {
  // Its own init() then finds the module loaded, which it could not fetch in Node.
  await loaded();
  const text = readFileSync(join(web, 'archetypal/README.md'), 'utf8');
  const examples = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
  assert.equal(examples.length, 1);
  mkdirSync(join(web, 'tests/out'), { recursive: true });
  const file = join(web, 'tests/out/readme.mjs');
  writeFileSync(file, examples[0]);
  context.mock.method(globalThis, 'fetch', async (name) => new Response(readFileSync(join(root, 'examples/data', name))));
  const log = context.mock.method(console, 'log', () => {});
  await import(pathToFileURL(file));
  const said = log.mock.calls.map(({ arguments: [first] }) => String(first));
  assert.match(said[0], /^epoch 0: R² /);
  assert.match(said[1], /^epoch 1: R² /);
  assert.deepEqual(said.slice(2), ['concepts of row 0:', 'on all rows:', '128']);
});
