/** Every golden case through the package in Node: on the CPU, and on Dawn's WebGPU (SwiftShader where there is no GPU). */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { golden, goldenFolder, goldenNames } from './support/files.js';
import { runCase } from './support/golden.js';
import { archetypal, installWebGpu, loaded, removeWebGpu } from './support/node.js';

for (const backend of ['cpu', 'gpu']) {
  describe(`golden cases of ${goldenFolder()} in Node, ${backend}`, () => {
    let device;
    before(async () => {
      await loaded();
      if (backend === 'gpu') installWebGpu();
      device = await archetypal.Device.open({ backend });
      assert.equal(device.isGpu, backend === 'gpu');
    });
    after(removeWebGpu);
    for (const name of goldenNames()) {
      test(name, async () => {
        const { worst, tensor, error, bound } = await runCase(archetypal, device, golden(name));
        assert.ok(worst <= 1, `${tensor} is off by ${error.toExponential(1)} of ${bound.toExponential(1)}`);
      });
    }
  });
}
