import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationRow, evaluationTitle } from '../../src/cli/evaluate/table.ts';
import { qualityCommand } from '../../src/cli/quality/command.ts';
import { qualityJobs } from '../../src/cli/quality/jobs.ts';
import { QualityReport } from '../../src/cli/quality/report.ts';
import { type Found, type OriginalResult, type Result, ratioOf } from '../../src/cli/quality/result.ts';
import { type FinishedStep, stepsOf } from '../../src/cli/quality/steps.ts';
import { QualityTable } from '../../src/cli/quality/table.ts';
import { parseVariants } from '../../src/cli/quality/variants.ts';
import { withTemporaryFolder } from '../../src/cli/temporary-folder.ts';
import { type Metrics, summarize } from '../../src/evaluate/metrics.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { moduleWeights } from '../../src/model/sizes.ts';
import { openRunnableModel } from '../../src/runnable/runnable-model.ts';
import { storedBits } from '../../src/runnable/stored-bits.ts';
import { InputError } from '../../src/util/errors.ts';
import { GOLDEN_DIR, readJson } from '../support/architectures.ts';
import { assembleModel } from '../support/cli.ts';
import { exl2Directory } from '../support/exl2-model.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PLACES = { cwd: '/home/me', root: '/repo' };

const folder = mkdtempSync(join(tmpdir(), 'quality-test-'));
const usual = process.env['TMPDIR'];
beforeAll(() => {
  mkdirSync(join(folder, 'tmp'));
  process.env['TMPDIR'] = join(folder, 'tmp');
  assembleModel('llama_tied_bias', join(folder, 'tiny'));
  assembleModel('qwen3', join(folder, 'other'));
  writeFileSync(join(folder, 'short.txt'), 'a few words');
});
afterAll(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(folder, { recursive: true });
});

describe('variants', () => {
  test('have the words before the first option as their name, else the options', () => {
    expect(parseVariants(['plain one --quantizer exllamav2', '-hb 8 --seed=1', 'new'])).toEqual([
      { name: 'plain one', args: ['--quantizer', 'exllamav2'], folder: 'plain_one' },
      { name: '-hb 8 --seed=1', args: ['-hb', '8', '--seed=1'], folder: 'hb_8_seed_1' },
      { name: 'new', args: [], folder: 'new' },
    ]);
  });

  test('may have spaces in quotes', () => {
    const [variant] = parseVariants([`mine -c "my texts/a.txt" -m='b c.json'`]);
    expect(variant!.args).toEqual(['-c', 'my texts/a.txt', '-m=b c.json']);
  });

  test('are one without options where none is given', () => {
    expect(parseVariants([])).toEqual([{ name: 'as given', args: [], folder: 'as_given' }]);
  });

  test.each([
    [['a -hb 8', 'a -hb 6'], 'Two variants are named "a": begin each --with by a name of its own'],
    [['a b -hb 8', 'A_b -hb 6'], '"a b" and "A_b" are too alike'],
    [['', ''], 'Two variants are named "as given"'],
    [['!? -hb 8'], 'the name "!?" has no letter or digit'],
    [['a -c "b.txt'], 'a quote in it is not closed'],
  ])('%j are refused', (texts, message) => {
    expect(() => parseVariants(texts)).toThrow(InputError);
    expect(() => parseVariants(texts)).toThrow(message);
  });
});

describe('the conversions of variants', () => {
  const jobsOf = (common: string, ...texts: string[]) =>
    qualityJobs(common.split(' '), parseVariants(texts), '/out', PLACES);

  test('are those of every model at every bitrate, in a folder for each variant', () => {
    const { variants } = jobsOf('-i m/one -i two -b 3 -b 4.5', 'a', 'b -hb 8');
    expect(variants.map(({ jobs }) => jobs.map(({ options }) => options.outputDir))).toEqual(
      ['a', 'b'].map((name) =>
        ['one-3.0bpw', 'one-4.5bpw', 'two-3.0bpw', 'two-4.5bpw'].map((job) => `/out/${name}/${job}`),
      ),
    );
    expect(variants[1]!.jobs[0]!.options).toMatchObject({
      ...{ inDir: '/home/me/m/one', bits: 3, headBits: 8, workDir: '/out/b/.one-3.0bpw.work' },
    });
  });

  test('have the options of all, and their own before them', () => {
    const { common, variants } = jobsOf('--preset quick -hb 5', 'a', 'b -hb 8 --quantizer exllamav2');
    const [a, b] = variants.map(({ jobs }) => jobs[0]!.options);
    const quick = { preset: 'quick', bits: 4, inDir: '/repo/public/models/tinystories-7m' };
    expect(a).toMatchObject({ ...quick, headBits: 5, quantizer: 'refined' });
    expect(b).toMatchObject({ ...quick, headBits: 8, quantizer: 'exllamav2' });
    expect(common).toMatchObject({ ...quick, headBits: 5, quantizer: 'refined' });
  });

  test.each([
    ['--quantiser refined', [''], /^There is no option "quantiser": did you mean --quantizer/],
    ['-b 9', [''], /^--bits must be a number from 2 to 8/],
    ['-b 3 -b 3', [''], /^-b 3 is given twice/],
    ['-cf x', [''], /^--compile_full is not for a comparison: outputs go to the folder of --keep/],
    ['--dry-run', [''], /^--dry-run is not for a comparison/],
    ['--jobs 2', [''], /^--jobs is not for a comparison/],
    ['-b 3', ['a', 'b --quantiser refined'], /^The variant "b": There is no option "quantiser"/],
    ['-b 3', ['a', 'b -hb 7'], /^The variant "b": --head_bits must be one of 2, 3, 4, 5, 6, 8, not 7/],
    ['-b 3', ['a', 'b -o x'], /^The variant "b": --out_dir is not for a comparison/],
    ['-b 3', ['a', 'b -b 4'], /^The variant "b": --bits is the same for all variants/],
    ['-b 3', ['a', 'b -ra 2'], /^The variant "b": --rope_alpha is the same for all variants/],
    ['-i a -i b', ['a', 'b -m x.json'], /^The variant "b": --measurement is of one model, but 2 are given/],
    ['-b 3', ['a', 'b --quantizer refined'], /^The variants "a" and "b" are the same conversion/],
    ['-hb 8', ['a', 'b -hb 8'], /^The variants "a" and "b" are the same conversion/],
    ['-i /out', ['a'], /must not be the same nor lie in one another/],
  ])('%s %j are refused', (common, texts, message) => {
    expect(() => jobsOf(common, ...texts)).toThrow(InputError);
    expect(() => jobsOf(common, ...texts)).toThrow(message);
  });

  test('are done bitrate by bitrate, with finished models behind those of their bits', () => {
    const { variants } = jobsOf('-i one -b 4 -b 3', 'a', 'b -hb 8');
    const finished = (name: string, bits: number | undefined) =>
      ({ kind: 'finished', name, bits }) as unknown as FinishedStep;
    const models = stepsOf(variants, [finished('f', undefined), finished('six', 6), finished('three', 3)]);
    expect(models.map(({ inDir }) => inDir)).toEqual(['/home/me/one']);
    expect(models[0]!.steps.map(({ name, bits }) => `${name} ${bits}`)).toEqual([
      ...['a 4', 'b 4', 'a 3', 'b 3', 'three 3', 'six 6', 'f undefined'],
    ]);
    const first = models[0]!.steps.filter((step) => step.kind === 'convert' && step.isFirst);
    expect(first.map(({ name }) => name)).toEqual(['a', 'a']);
  });
});

/** Of rows with one token each. */
const metricsOf = (...divergences: number[]): Metrics =>
  summarize(
    divergences.map((divergence) => ({ referenceLoss: 1, loss: 2, divergence, agree: divergence < 0.3 })),
    divergences.length,
    1,
  );

describe('ratios', () => {
  test('have an error by what rows differ in beyond it', () => {
    // Each row has half of the first one's: nothing is uncertain, though rows differ much.
    const half = ratioOf(metricsOf(0.1, 0.2, 0.6), metricsOf(0.2, 0.4, 1.2))!;
    expect(half.value).toBeCloseTo(0.5, 12);
    expect(half.standardError).toBeCloseTo(0, 12);
    const { value, standardError } = ratioOf(metricsOf(0.1, 0.3), metricsOf(0.2, 0.2))!;
    expect(value).toBeCloseTo(1, 12);
    // Beyond the ratio −0.1 and 0.1: √(0.02 / 1 / 2) / 0.2.
    expect(standardError).toBeCloseTo(0.5, 12);
  });

  test('are none to a model without any loss, and have no error on one row', () => {
    expect(ratioOf(metricsOf(0.1), metricsOf(0))).toBeUndefined();
    expect(ratioOf(metricsOf(0.1), metricsOf(0.2))).toEqual({ value: 0.5, standardError: undefined });
  });
});

describe('the table', () => {
  const table = new QualityTable(['refined', 'plain']);
  const found = (change: Partial<Found>): Found => ({
    ...{ storedBits: 3.98765, bytes: 1000, measures: metricsOf(0.1, 0.3), ratio: undefined },
    ...change,
  });
  const row = (change: Partial<Result>) =>
    table.row({ ...{ model: 'm', name: 'refined', bits: 4, seconds: {}, found: found({}) }, ...change });

  test('has a head with the original', () => {
    const original: OriginalResult = { model: 'tiny', rows: 20, length: 512, perplexity: 12.34567 };
    expect(table.head(original, 'book.txt').split('\n')).toEqual([
      'tiny, on 20 rows of 512 tokens of book.txt',
      ' bits  variant    KL mean        ±          ratio  perplexity    top-1  stored  measured  converted',
      '       original                                       12.3457',
    ]);
  });

  test('has a row for each result', () => {
    expect(row({ seconds: { measuring: 71, converting: 4.2, evaluating: 9 } })).toBe(
      '  4.0  refined    0.20000  0.10000                        NaN  50.00 %   3.988      1:11      4.2 s',
    );
    const ratio = { value: 1.23456, standardError: 0.0123 };
    expect(row({ name: 'plain', bits: 2.5, found: found({ ratio }) })).toBe(
      '  2.5  plain      0.20000  0.10000  1.235 ± 0.012         NaN  50.00 %   3.988',
    );
    const one = {
      measures: metricsOf(0.1),
      storedBits: undefined,
      ratio: { value: 1, standardError: undefined },
    };
    expect(row({ name: 'exl2-4.0', bits: undefined, found: found(one) })).toBe(
      '       exl2-4.0   0.10000                   1.000         NaN  100.00 %',
    );
  });

  test('says why there is none', () => {
    const { found: _, ...failed } = { model: 'm', name: 'plain', bits: 3, seconds: {}, found: undefined };
    expect(table.row({ ...failed, failure: 'Out of memory.\n  at …' })).toBe(
      '  3.0  plain     failed: Out of memory.',
    );
  });
});

describe('the report', () => {
  const warning: ConvertEvent = { type: 'warning', message: 'beware' };
  const progress = (done: number): ConvertEvent => ({
    ...{ type: 'progress', stage: 'measure', done, total: 84_000_000, unit: 'weights' },
    detail: 'model.layers.3.mlp',
  });
  const step = (name: string, bits: number | undefined) => ({ name, bits }) as FinishedStep;
  const models = (...names: string[]) =>
    names.map((inDir) => ({ inDir, steps: [step('a', 3), step('b', undefined)] }));

  test('has a line of progress with the time left, and tells a warning once', async () => {
    const terminal = new FakeTerminal(120);
    let errors = '';
    const saved: number[] = [];
    const report = new QualityReport(models('one', 'two'), 'book.txt', {
      out: terminal,
      writeError: (text) => {
        errors += text;
      },
      save: async ({ results }) => void saved.push(results.length),
    });
    const told = (): string => {
      const text = errors;
      errors = '';
      return text;
    };
    report.beginStep('one', step('a', 3));
    report.see({ type: 'stage', stage: 'measure', state: 'started' });
    for (let at = 0; at < 4; at++) {
      terminal.seconds++;
      report.see(progress(at * 2_100_000));
    }
    expect(told()).toMatch(
      /1 of 4 {2}one, a, 3\.0 bpw {2}Measurement {2}7 % .* left {2}model\.layers\.3\.mlp$/,
    );
    report.see(warning);
    report.see(warning);
    expect(told().match(/Warning, one, a, 3\.0 bpw: beware\n/g)).toHaveLength(1);
    for (let at = 0; at < 3; at++) {
      terminal.seconds += 2;
      report.evaluating(at, 10);
    }
    expect(told()).toMatch(/1 of 4 {2}one, a, 3\.0 bpw {2}Comparison {2}20 % {2}16\.0 s left$/);
    await report.result({ model: 'one', name: 'a', bits: 3, seconds: {} });
    report.beginStep('one', step('b', undefined));
    await report.failed({ model: 'one', name: 'b', bits: undefined, seconds: {} }, new InputError('no\nway'));
    expect(report.failures).toEqual(['one, b: no\nway\n']);
    expect(terminal.text).toContain('b         failed: no\n');
    expect(saved).toEqual([1, 2]);
  });

  test('does not name the one model again and again', () => {
    const terminal = new FakeTerminal(120);
    let errors = '';
    const report = new QualityReport(models('one'), 'book.txt', {
      ...{ out: terminal, save: async () => {} },
      writeError: (text) => {
        errors += text;
      },
    });
    report.beginStep('one', step('a', 3));
    report.see({ type: 'stage', stage: 'measure', state: 'started' });
    expect(errors).toMatch(/1 of 2 {2}a, 3\.0 bpw {2}Measurement$/);
  });
});

test('the table of an evaluation has the standard error beside the mean', () => {
  const evaluation = { name: 'a/tiny', bits: 4, bytes: 1000, measures: metricsOf(0.1, 0.3), seconds: 1 };
  expect(evaluationTitle(evaluation)).toMatch(/KL mean {8}± {4}median/);
  expect(evaluationRow(evaluation)).toMatch(/ 0\.20000 {2}0\.10000 {3}0\.20000 /);
});

test('stored bits are those that ExLlamaV2 counts', async () => {
  const name = 'llama_tied_bias';
  const model = await openRunnableModel(exl2Directory(name));
  const { strategy } = readJson(`${GOLDEN_DIR}/conversion/architectures/${name}/conversion.json`) as {
    strategy: Record<string, { total_bits: number }>;
  };
  const bits = Object.values(strategy).reduce((sum, { total_bits }) => sum + total_bits, 0);
  const weights = model.outline.modules.reduce((sum, module) => sum + moduleWeights(module), 0);
  expect(storedBits(model)).toBeCloseTo(bits / weights, 9);
  expect(storedBits({ ...model, quantization: undefined })).toBeUndefined();
});

async function run(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await qualityCommand(args, {
    places: { cwd: folder, root },
    out: { write: (text) => void out.push(text), columns: undefined, colors: false, now: () => 0 },
    writeError: (text) => void errors.push(text),
    signal: new AbortController().signal,
  });
  return { code, out: out.join(''), errors: errors.join('') };
}

describe('the command', () => {
  const small = ['-i', 'tiny', '--text', 'short.txt', '--text-length', '32'];

  test.each([
    [['--with'], '--with names no variant: give its options in quotes after it.'],
    [['--text', 'a', '--text', 'b'], '--text is given 2 times, but takes one value'],
    [['--text-rows', '0'], '--text-rows is 0; expected a whole number from 1.'],
    [['--text-length', '40'], '--text-length is 40; expected a multiple of 32.'],
    [['-i', 'tiny', '--text', 'none.txt'], 'There is no file'],
    [[...small], 'short.txt has'],
    [['-i', 'nowhere'], 'nowhere'],
    [['-i', 'tiny', '-b', '2'], 'bits per weight is too little'],
    [
      ['-i', 'tiny', '-i', 'other', '--model', 'tiny'],
      '--model is compared with one original, but 2 are given',
    ],
    [['-i', 'tiny', '--model', 'other', '--model', './other/'], 'is given twice: give it once.'],
    [['-i', 'tiny', '--model', 'nowhere'], 'nowhere'],
    [['-i', 'tiny', '--json', 'short.txt'], 'short.txt is there already: choose another name for --json'],
    [['-i', 'tiny', '--keep', 'tiny'], 'must not be the same nor lie in one another'],
    [['-i', 'tiny', '--colour', 'blue'], 'There is no option "colour"'],
  ])('%j is refused, and leaves nothing behind', async (args, message) => {
    const { code, out, errors } = await run(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(errors).toContain(message);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  test('"~" is the home folder in all its paths', async () => {
    const home = process.env['HOME'];
    process.env['HOME'] = folder;
    try {
      const refused = (...args: string[]) => run('-i', '~/tiny', ...args).then(({ errors }) => errors);
      expect(await refused('--text', '~/short.txt', '--text-length', '32')).toContain('short.txt has');
      expect(await refused('--text', '~/none.txt')).toContain(join(folder, 'none.txt'));
      expect(await refused('--model', '~/nowhere')).toContain(join(folder, 'nowhere'));
      expect(await refused('--json', '~/short.txt')).toContain(
        `${join(folder, 'short.txt')} is there already`,
      );
      expect(await refused('--keep', '~/tiny')).toContain(join(folder, 'tiny'));
    } finally {
      if (home === undefined) delete process.env['HOME'];
      else process.env['HOME'] = home;
    }
  });

  test('--help', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    expect(out).toContain('--text-rows');
  });
});

test('a temporary folder is removed at the end and on failure', async () => {
  const seen: string[] = [];
  const work = async (path: string) => {
    writeFileSync(join(path, 'file'), '');
    seen.push(path);
  };
  await withTemporaryFolder('a-', work);
  const failing = withTemporaryFolder('a-', async (path) => {
    await work(path);
    throw new Error('failed');
  });
  await expect(failing).rejects.toThrow('failed');
  expect(seen.map((path) => existsSync(path))).toEqual([false, false]);
  expect(readFileSync(join(folder, 'short.txt'), 'utf8')).toBe('a few words');
});
