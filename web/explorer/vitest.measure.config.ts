import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['tests/measure/**/*.test.ts'], fileParallelism: false } });
