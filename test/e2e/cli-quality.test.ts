import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QualityResults } from '../../src/cli/quality/result.ts';
import { buildCli, FEW_ROWS, temporaryDirectory } from '../support/cli.ts';
import { onDisk, tinyModel } from '../support/tiny-model.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NAME = 'llama_tied_bias';
const MODEL = onDisk(tinyModel(NAME), 'tiny');
const temporary = temporaryDirectory('quality');
const at = (path: string) => join(temporary.path, path);

beforeAll(() => {
  buildCli();
  mkdirSync(at('tmp'));
  // ExLlamaV2's own conversion, to 4 bits.
  mkdirSync(at('finished'));
  const config = JSON.parse(readFileSync(join(MODEL, 'config.json'), 'utf8')) as object;
  const quantization = { quant_method: 'exl2', bits: 4, head_bits: 6 };
  writeFileSync(at('finished/config.json'), JSON.stringify({ ...config, quantization_config: quantization }));
  copyFileSync(
    join(root, `test/fixtures/golden/conversion/architectures/${NAME}/output.safetensors`),
    at('finished/output.safetensors'),
  );
});
afterAll(() => {
  temporary.remove();
  rmSync(dirname(MODEL), { recursive: true });
});

const TEXT = ['--text', join(root, 'README.md'), '--text-rows', '3', '--text-length', '32'];

/** Runs the built program. @param onProgress what to do with what it writes to standard error. */
async function run(
  args: readonly string[],
  onProgress: (text: string, process: ChildProcess) => void = () => {},
) {
  const program = join(root, 'dist/cli/quality.js');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: temporary.path,
    env: { ...process.env, TMPDIR: at('tmp') },
  });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    out += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
    onProgress(errors, child);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, lines: out.trimEnd().split('\n'), errors };
}

const comparison = (file: string) => JSON.parse(readFileSync(at(file), 'utf8')) as QualityResults;

test('variants and a finished model are compared, each variant measured once, and nothing stays', async () => {
  const { code, lines, errors } = await run([
    ...['-i', MODEL, '-b', '4', '-b', '6', ...FEW_ROWS, ...TEXT, '--json', 'all.json'],
    ...['--with', 'refined', '--with', 'plain --quantizer exllamav2', '--model', 'finished'],
  ]);
  expect(errors).not.toContain('Failed');
  expect(code).toBe(0);
  expect(lines[0]).toBe('tiny, on 3 rows of 32 tokens of README.md');
  expect(lines.slice(3).map((line) => line.trim().split(/ +/).slice(0, 2).join(' '))).toEqual([
    ...['4.0 refined', '4.0 plain', '4.0 finished', '6.0 refined', '6.0 plain'],
  ]);

  const { originals, results, asked } = comparison('all.json');
  expect(asked).toMatchObject({ bits: [4, 6], models: [MODEL], finished: [at('finished')] });
  expect(originals).toMatchObject([{ model: 'tiny', rows: 3, length: 32 }]);
  const shown = results.map(({ name, bits }) => `${name} ${bits}`);
  expect(shown).toEqual(['refined 4', 'plain 4', 'finished 4', 'refined 6', 'plain 6']);
  expect(results.map(({ seconds }) => seconds.measuring !== undefined)).toEqual([
    ...[true, true, false, false, false],
  ]);
  for (const { bits, found, folder, name } of results) {
    const { storedBits, measures, ratio } = found!;
    expect(storedBits!).toSatisfy((stored: number) => Math.abs(stored - bits!) < 0.5);
    expect(measures.divergence.mean).toBeGreaterThan(0);
    expect(measures.divergence.standardError).toBeGreaterThan(0);
    expect(measures.perplexity.reference).toBe(originals[0]!.perplexity);
    expect(ratio === undefined).toBe(name === 'refined');
    expect(folder).toBe(name === 'finished' ? at('finished') : undefined);
  }
  // More bits cost less.
  const divergenceOf = (index: number) => results[index]!.found!.measures.divergence.mean;
  expect(divergenceOf(3)).toBeLessThan(divergenceOf(0));
  expect(divergenceOf(4)).toBeLessThan(divergenceOf(1));
  expect(readdirSync(at('tmp'))).toEqual([]);
});

const KEPT = [
  ...['-i', MODEL, ...FEW_ROWS, ...TEXT],
  ...['--with', 'one', '--keep', 'kept', '--json', 'kept.json'],
];

test('outputs that are kept are not made again, and another comparison does not replace the results', async () => {
  expect((await run(KEPT)).code).toBe(0);
  const first = comparison('kept.json').results[0]!;
  expect(first.folder).toBe(at('kept/one/tiny-4.0bpw'));
  expect(existsSync(join(first.folder!, 'output.safetensors'))).toBe(true);
  expect(existsSync(at('kept/one/tiny-measurement.json'))).toBe(true);
  expect((await run(KEPT)).code).toBe(0);
  const again = comparison('kept.json').results[0]!;
  expect(again.found!.measures).toEqual(first.found!.measures);
  expect(again.seconds).toEqual({ evaluating: expect.any(Number) });

  const other = await run([...KEPT, '-b', '3']);
  expect(other.code).toBe(1);
  expect(other.errors).toContain('kept.json is there already');
});

test('a conversion that fails stops no other', async () => {
  const args = KEPT.filter((arg) => arg !== '--json' && arg !== 'kept.json');
  // The work directory is of another job.
  const { code, lines, errors } = await run([...args, '-hb', '8', '--with', 'two -hb 6']);
  expect(code).toBe(2);
  expect(lines.at(-2)).toMatch(/ 4\.0 {2}one {7}failed: The work directory holds a job with other inputs/);
  expect(lines.at(-1)).toMatch(/ 4\.0 {2}two {8}\d\.\d{5} /);
  expect(errors).toMatch(
    /Failed:\none, 4\.0 bpw: The work .*\n {2}head_bits: 6 then, 8 now\n.*--keep names/s,
  );
});

test('Ctrl-C removes the temporary folder', async () => {
  let isStopped = false;
  const { code } = await run(['-i', MODEL, ...FEW_ROWS, ...TEXT], (text, child) => {
    // So few rows are warned of when the conversion has begun; progress may come too late to be seen.
    if (isStopped || !text.includes('Warning, as given')) return;
    isStopped = true;
    child.kill('SIGINT');
  });
  expect(isStopped).toBe(true);
  expect(code).toBe(130);
  expect(readdirSync(at('tmp'))).toEqual([]);
});
