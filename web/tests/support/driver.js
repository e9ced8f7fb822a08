/** Which Vulkan driver the tests run on, whatever the one that the crate's own tests are told to take. */

import { existsSync, readdirSync } from 'node:fs';

/** Comes with Chromium: Dawn refuses Mesa's driver for the CPU, at least the one of Debian 12. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

function hasRealGpu() {
  if (process.platform !== 'linux') return true;
  const files = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return files.some((file) => file.startsWith('renderD')) || existsSync('/dev/nvidia0');
}

/** For Dawn in this process: the machine's own GPU, else SwiftShader. */
export function chooseDriver() {
  withoutDriver(process.env);
  if (!hasRealGpu() && existsSync(SWIFTSHADER)) process.env.VK_DRIVER_FILES = SWIFTSHADER;
}

/** For browsers, which choose for themselves. */
export function withoutDriver(environment) {
  delete environment.VK_DRIVER_FILES;
  delete environment.VK_ICD_FILENAMES;
  return environment;
}
