/// <reference types="vitest/config" />
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { offlineVisits } from './scripts/site/offline.ts';
import { contentSecurityPolicy, POLICY_HEADERS } from './scripts/site/policy.ts';
import { shareCard } from './scripts/site/share-card.ts';

const DEMO_MODEL = 'tinystories-7m';

/** The bundled model's files, since a web server does not list them. */
function demoModel() {
  const folder = fileURLToPath(new URL(`public/models/${DEMO_MODEL}`, import.meta.url));
  const files = readdirSync(folder).map((path) => ({ path, size: statSync(`${folder}/${path}`).size }));
  return { name: DEMO_MODEL, files };
}

/** Where the source is, as package.json has it; empty: it does not say. */
function sourceAddress(): string {
  const path = fileURLToPath(new URL('package.json', import.meta.url));
  const { repository = '' } = JSON.parse(readFileSync(path, 'utf8')) as { repository?: string };
  return repository;
}

/**
 * The page, ready for any path of any host. `--mode cli` bundles the command line for Node; tests use the same WGSL
 * imports (`?raw`).
 */
export default defineConfig(({ mode }) => ({
  base: './',
  // One page, and nothing in place of a path that is not there.
  appType: 'mpa',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  ...(mode !== 'cli' && { plugins: [contentSecurityPolicy(), shareCard(), offlineVisits()] }),
  preview: { headers: POLICY_HEADERS },
  define: {
    __DEMO_MODEL__: JSON.stringify(demoModel()),
    __SOURCE_ADDRESS__: JSON.stringify(sourceAddress()),
  },
  ...(mode !== 'cli' && { build: { outDir: 'dist/page', target: 'es2023' } }),
  ...(mode === 'cli' && {
    build: {
      ssr: true,
      outDir: 'dist/cli',
      target: 'node20',
      copyPublicDir: false,
      rollupOptions: {
        input: {
          main: 'src/cli/main.ts',
          bench: 'src/cli/bench/main.ts',
          evaluate: 'src/cli/evaluate/main.ts',
          generate: 'src/cli/generate/main.ts',
          worker: 'src/cli/worker/main.ts',
          merge: 'src/cli/merge/main.ts',
          quality: 'src/cli/quality/main.ts',
          lessons: 'src/cli/lessons/main.ts',
        },
        // Shared code finds other files of dist by its own address.
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
      },
    },
  }),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/adapter-setup.ts'],
    // When what hangs is given up; how long a test takes is the machine's affair.
    testTimeout: 30 * 60_000,
    hookTimeout: 30 * 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
}));
