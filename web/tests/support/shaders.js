/** Every kernel through the compiler of whatever has WebGPU here. */

import { shaders } from '../../archetypal/dist/wasm/archetypal.js';

/** How many there are, and what is wrong with those that fail. The module must be loaded. */
export async function compileAll(device) {
  const failures = [];
  const all = JSON.parse(shaders());
  for (const { name, source, entry, constants } of all) {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code: source });
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: entry, constants } });
    const error = await device.popErrorScope();
    if (error) failures.push(`${name} ${JSON.stringify(constants)}: ${error.message}`);
  }
  return { count: all.length, failures };
}
