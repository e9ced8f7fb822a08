import { defineConfig } from 'vitest/config';

// One browser at a time: a software GPU is lost when several pages share it.
export default defineConfig({
  test: { include: ['tests/browser/**/*.test.ts'], fileParallelism: false, testTimeout: 180_000, hookTimeout: 60_000 },
});
