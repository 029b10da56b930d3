/// <reference types="vitest/config" />
import { defineConfig } from 'vite';

/** `--mode cli` bundles the command line for Node; tests use the same WGSL imports (`?raw`). */
export default defineConfig(({ mode }) => ({
  ...(mode === 'cli' && {
    build: {
      ssr: 'src/cli/main.ts',
      outDir: 'dist/cli',
      target: 'node20',
      copyPublicDir: false,
      rollupOptions: { output: { entryFileNames: 'main.js' } },
    },
  }),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/adapter-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
}));
