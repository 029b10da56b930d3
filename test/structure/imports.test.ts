import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import { afterEach, expect, test } from 'vitest';

const { forbidden, options } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: { name: string }[];
  options: ICruiseOptions;
};

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** The names of the rules that a project of these files breaks. */
async function brokenRules(files: Record<string, string>): Promise<string[]> {
  const baseDir = mkdtempSync(join(tmpdir(), 'imports-'));
  directories.push(baseDir);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(baseDir, path)), { recursive: true });
    writeFileSync(join(baseDir, path), text);
  }
  const roots = [...new Set(Object.keys(files).map((path) => path.split('/')[0]!))];
  const { output } = await cruise(roots, {
    ...options,
    baseDir,
    validate: true,
    ruleSet: { forbidden },
  } as ICruiseOptions);
  return (output as ICruiseResult).summary.violations.map(({ rule }) => rule.name).sort();
}

const imports = (path: string) => `import { x } from '${path}';\nexport const y = x;\n`;
const leaf = 'export const x = 1;\n';

test('imports in the right direction break no rule', async () => {
  const files = {
    'src/util/a.ts': leaf,
    'src/tensor/b.ts': imports('../util/a.ts'),
    'src/gpu/c.ts': imports('../tensor/b.ts'),
    'src/kernels/gemm/d.ts': imports('../../gpu/c.ts'),
    'src/model/e.ts': imports('../kernels/gemm/d.ts'),
    'src/convert/f.ts': imports('../model/e.ts'),
    'src/cli/g.ts': `${imports('../convert/f.ts')}import 'node:fs';\nimport '../io/platform/node-directory.ts';\n`,
    'src/io/platform/node/node-directory.ts': `import 'node:fs';\n`,
    'src/app/h.ts': `${imports('../../workers/api/j.ts')}import type { y as z } from '../../workers/i.ts';\nexport type Z = typeof z;\n`,
    'workers/api/j.ts': `import type { y } from '../i.ts';\nexport type Y = typeof y;\nexport const x = 1;\n`,
    'src/app/k.ts': imports('../job/stages.ts'),
    'src/job/stages.ts': leaf,
    'workers/i.ts': imports('../src/convert/f.ts'),
  };
  expect(await brokenRules(files)).toEqual([]);
});

test.each<[string, string, Record<string, string>]>([
  [
    'layer-util',
    'util importing tensor',
    { 'src/util/a.ts': imports('../tensor/x.ts'), 'src/tensor/x.ts': leaf },
  ],
  ['layer-gpu', 'gpu importing io', { 'src/gpu/a.ts': imports('../io/x.ts'), 'src/io/x.ts': leaf }],
  [
    'layer-gptq',
    'gptq importing model',
    { 'src/gptq/a.ts': imports('../model/x.ts'), 'src/model/x.ts': leaf },
  ],
  [
    'layer-convert',
    'convert importing cli',
    { 'src/convert/a.ts': imports('../cli/x.ts'), 'src/cli/x.ts': leaf },
  ],
  [
    'layer-app',
    'the page importing the job',
    { 'src/app/a.ts': imports('../job/stages-of.ts'), 'src/job/stages-of.ts': leaf },
  ],
  [
    'layer-job/stages',
    'what the job and the page share importing the job',
    { 'src/job/stages.ts': imports('./x.ts'), 'src/job/x.ts': leaf },
  ],
  [
    'layer-kernels',
    'shipped code importing the CPU reference',
    { 'src/kernels/a.ts': imports('../reference/x.ts'), 'src/reference/x.ts': leaf },
  ],
  [
    'layer-app',
    'the page importing code of a worker',
    { 'src/app/a.ts': imports('../../workers/x.ts'), 'workers/x.ts': leaf },
  ],
  [
    'workers-api-alone',
    'what page and workers share importing a worker',
    { 'workers/api/a.ts': imports('../x.ts'), 'workers/x.ts': leaf },
  ],
  [
    'workers-import-no-app',
    'a worker importing the page',
    { 'workers/a.ts': imports('../src/app/x.ts'), 'src/app/x.ts': leaf },
  ],
  [
    'no-circular',
    'files importing each other',
    { 'src/util/a.ts': imports('./x.ts'), 'src/util/x.ts': "export { y as x } from './a.ts';\n" },
  ],
  ['core-without-node', 'the core importing node:', { 'src/model/a.ts': "import 'node:fs';\n" }],
  ['core-without-node', 'a worker importing node:', { 'workers/a.ts': "import 'node:path';\n" }],
  [
    'core-without-node-packages',
    'the core importing the command line library',
    { 'src/convert/a.ts': imports('../../node_modules/yargs/x.js'), 'node_modules/yargs/x.js': leaf },
  ],
  [
    'platform-from-composition-roots',
    'the core choosing a platform',
    { 'src/convert/a.ts': imports('../io/platform/x.ts'), 'src/io/platform/x.ts': leaf },
  ],
])('%s: %s', async (rule, _what, files) => {
  expect(await brokenRules(files)).toContain(rule);
});

test('the rules cover every directory of src', () => {
  const source = fileURLToPath(new URL('../../src', import.meta.url));
  const parts = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const covered = forbidden.map(({ name }) => /^layer-([^/]+)/.exec(name)?.[1]);
  expect(covered).toEqual(expect.arrayContaining(parts.map(({ name }) => name)));
});
