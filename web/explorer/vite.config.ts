import { defineConfig } from 'vite';

// Everything is relative, so that the page works wherever its folder is put.
export default defineConfig({
  base: './',
  worker: { format: 'es' },
  // The package finds its .wasm beside itself; bundling it beforehand would move it away.
  optimizeDeps: { exclude: ['archetypal'] },
  build: { target: 'es2023', assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
});
