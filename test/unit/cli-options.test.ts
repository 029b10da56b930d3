import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { plannedRows } from '../../src/cli/calibration.ts';
import { helpPage } from '../../src/cli/help.ts';
import { OPTIONS } from '../../src/cli/option-table.ts';
import type { CliOptions } from '../../src/cli/options.ts';
import { parseOptions } from '../../src/cli/parse-options.ts';
import { InputError } from '../../src/util/errors.ts';

const places = { cwd: '/home/me', root: '/repo' };

function options(...args: string[]): CliOptions {
  const request = parseOptions(args, places);
  if (request.action !== 'convert') throw new Error(`asked for ${request.action}`);
  return request.options;
}

test('without arguments the bundled model is converted to 4 bits', () => {
  expect(options()).toEqual({
    inDir: '/repo/public/models/tinystories-7m',
    outputDir: '/repo/out/tinystories-7m-4.0bpw',
    workDir: '/repo/out/.tinystories-7m-4.0bpw.work',
    resume: true,
    shardBytes: 8192 * 2 ** 20,
    bits: 4,
    headBits: 6,
    quantizer: 'refined',
    precision: 'mixed',
    seed: 0,
    workers: 1,
    dryRun: false,
    json: false,
  });
});

test('the quantizer is refined, with as many passes as asked for, or as ExLlamaV2 has it, without any', () => {
  expect(options().descentPasses).toBeUndefined();
  expect(options('--descent-passes', '0')).toMatchObject({ quantizer: 'refined', descentPasses: 0 });
  expect(options('--quantizer', 'exllamav2').quantizer).toBe('exllamav2');
  expect(() => options('--quantizer', 'best')).toThrow(/refined.*exllamav2/s);
});

test("all of ExLlamaV2's short forms are known", () => {
  const line =
    '-i m -o w -nr -m a.json -c d.parquet -r 3 -mr 4 -l 5 -ml 6 -so -hb 8 -ss 100 -b 4.25 -cf out -rs 2 -ra 1.5';
  expect(options(...line.split(' '))).toEqual({
    inDir: '/home/me/m',
    outputDir: '/home/me/out',
    workDir: '/home/me/w',
    resume: false,
    measurement: '/home/me/a.json',
    calDataset: '/home/me/d.parquet',
    datasetRows: 3,
    measurementRows: 4,
    length: 5,
    measurementLength: 6,
    json: true,
    headBits: 8,
    quantizer: 'refined',
    precision: 'mixed',
    shardBytes: 100 * 2 ** 20,
    bits: 4.25,
    ropeScale: 2,
    ropeAlpha: 1.5,
    seed: 0,
    workers: 1,
    dryRun: false,
  });
  expect(options('-ss', '0').shardBytes).toBe(Number.POSITIVE_INFINITY);
  expect(options('-ss', '0.5').shardBytes).toBe(2 ** 19);
  expect(options('-om', 'x.json').outputMeasurement).toBe('/home/me/x.json');
});

test('long forms take a value after a space or "="', () => {
  const given = options(
    '--bits=3.5',
    '--gpu',
    'nvidia',
    '--gpu-memory-budget=6GB',
    '--memory-budget=16GiB',
    '--preset',
    'quick',
    '--dry-run',
    '--seed=7',
  );
  expect(given).toMatchObject({
    bits: 3.5,
    gpu: 'nvidia',
    gpuMemoryBytes: 6e9,
    memoryBytes: 16 * 2 ** 30,
    preset: 'quick',
    dryRun: true,
    seed: 7,
  });
  expect(options('-hb', '3', '-hb', '5').headBits).toBe(5);
});

test('cards are chosen by number, all or some, with as many workers as asked for on each', () => {
  expect(options('--gpus', 'all')).toMatchObject({ gpus: 'all', workers: 1 });
  expect(options('--gpus', '2,0', '--workers', '4')).toMatchObject({ gpus: [2, 0], workers: 4 });
  expect(options('--gpus', '1').gpus).toEqual([1]);
});

test('the output is named after model and bits', () => {
  expect(options('-i', '/models/Qwen3-4B/', '-b', '4.125').outputDir).toBe('/repo/out/Qwen3-4B-4.125bpw');
  expect(options('-i', '/models/with space', '-b', '3').outputDir).toBe('/repo/out/with space-3.0bpw');
});

test('a slice of the layers has a work directory of its own', () => {
  expect(options('-i', 'm', '-om', 'a.json', '--measure-layers', '4-7')).toMatchObject({
    measureLayers: { first: 4, last: 7 },
    outputMeasurement: '/home/me/a.json',
    workDir: '/repo/out/.m-4.0bpw-layers-4-7.work',
  });
  expect(options('-om', 'a.json', '--measure-layers', '3-3', '-o', 'w').workDir).toBe('/home/me/w');
});

test('"~" is the home folder wherever the shell has left it, and only where it stands alone', () => {
  const home = homedir();
  const given = options('-i=~/m', '--compile_full=~/out/x', '-o=~/w', '-c', '~/d.txt', '-om', '~/a.json');
  expect(given).toMatchObject({
    ...{ inDir: `${home}/m`, outputDir: `${home}/out/x`, workDir: `${home}/w` },
    ...{ calDataset: `${home}/d.txt`, outputMeasurement: `${home}/a.json` },
  });
  expect(options('-m', '~/a.json').measurement).toBe(`${home}/a.json`);
  expect(options('-i', '/m', '-cf', '/x', '-o', '~').workDir).toBe(home);
  expect(options('-i', '~m').inDir).toBe('/home/me/~m');
  expect(options('-i', './~/m').inDir).toBe('/home/me/~/m');
  const queue = parseOptions(['-i', '~/m', '-i', 'n', '-cf', '~/out', '-o', '~/work'], places);
  if (queue.action !== 'queue') throw new Error(`asked for ${queue.action}`);
  const [first] = queue.queue.jobs;
  expect(first?.options).toMatchObject({
    ...{ inDir: `${home}/m`, outputDir: `${home}/out/m-4.0bpw`, workDir: `${home}/work/m-4.0bpw.work` },
  });
});

test('help, version and the list of adapters are requests of their own', () => {
  expect(parseOptions(['--help', '--bits', '99'], places)).toEqual({ action: 'help' });
  expect(parseOptions(['-h'], places)).toEqual({ action: 'help' });
  expect(parseOptions(['--version'], places)).toEqual({ action: 'version' });
  expect(parseOptions(['--list-gpus', '--json'], places)).toEqual({ action: 'list-gpus', json: true });
});

test.each<[string, RegExp]>([
  ['--bits 9', /--bits must be a number from 2 to 8, not 9/],
  ['-b 1.99', /from 2 to 8/],
  ['--bits four', /--bits must be a number/],
  ['-b 4,5', /not "4,5"\. For several bitrates .* -b 4 -b 5\. A fraction has a point: 4\.5\.$/],
  ['-b 3,4,5', /as in -b 3 -b 4 -b 5\.$/],
  ['-b 4;5.5', /as in -b 4 -b 5\.5\.$/],
  ['-b 4 5', /"5" belongs to no option\. For several bitrates .* -b 4 -b 5\. /],
  ['-i my models/a', /"models\/a" belongs to no option\. For several models give -i before each; .* quotes/],
  ['-ss 0,5', /--shard_size must be a number, not "0,5"\. A fraction has a point: 0\.5\.$/],
  ['-hb 4bit', /--head_bits must be a number, not "4bit"\.$/],
  ['--bits', /bits/],
  ['--bits Infinity', /from 2 to 8/],
  ['-hb 7', /--head_bits must be one of 2, 3, 4, 5, 6, 8, not 7/],
  ['-r 0', /--dataset_rows must be a whole number from 1/],
  ['-r 2.5', /whole number/],
  ['-l 1', /--length must be a whole number from 2/],
  ['--descent-passes 1.5', /--descent-passes must be a whole number from 0/],
  ['--seed -1', /--seed must be a whole number from 0/],
  ['-ss -1', /--shard_size/],
  ['-rs 0', /--rope_scale/],
  ['--preset fast', /quick.*standard/s],
  ['--gpu-memory-budget lots', /6GB or 512MiB/],
  ['--gpu-memory-budget 6', /is 6 bytes: give a unit/],
  ['--memory-budget 16', /^--memory-budget 16 is 16 bytes: give a unit/],
  ['-c data.csv', /data\.csv.*\.parquet, \.txt, \.jsonl, \.safetensors/],
  ['-m a.json -om b.json', /give one of them/],
  ['--measure-layers 0-7', /name it with --output_measurement/],
  ['-om a.json --measure-layers 7', /--measure-layers 7: expected the first and the last layer.*as in 0-7/],
  ['-om a.json --measure-layers 0-x', /--measure-layers 0-x: expected the first and the last/],
  ['-om a.json --measure-layers 7-4', /7-4 ends before it begins: write 4-7/],
  ['--gpus 0,0', /--gpus 0,0: expected all, or different numbers of --list-gpus, as in 0,2/],
  ['--gpus first', /--gpus first: expected all/],
  ['--gpus 0 --gpu nvidia', /give one of them/],
  ['--workers 0', /--workers must be a whole number from 1 to 64/],
  ['--bitz 4', /no option "bitz".*--bits/],
  ['--in-dir m', /no option "in-dir": did you mean --in_dir\?/],
  ['--list_gpus', /did you mean --list-gpus\?/],
  ['-xyz', /no option "xyz"/],
  ['--no_resum', /did you mean --no_resume/],
  ['model', /"model" belongs to no option.*"--"/],
  ['-i m -cf m', /--in_dir \/home\/me\/m and --compile_full/],
  ['-i m -cf m/exl2', /must not be the same nor lie in one another/],
  ['-i m/a -o m', /--in_dir .* and --out_dir/],
  ['-i m -cf x -o x/work', /--compile_full .* and --out_dir/],
])('%s is refused', (line, message) => {
  const parse = () => options(...line.split(' '));
  expect(parse).toThrow(InputError);
  expect(parse).toThrow(message);
});

test('directories with names that begin alike are apart', () => {
  expect(options('-i', 'm', '-cf', 'm-4bpw').outputDir).toBe('/home/me/m-4bpw');
  expect(options('-i', 'm', '-cf', '..m').outputDir).toBe('/home/me/..m');
});

test('the sizes of the calibration follow preset, adapter and own values', () => {
  const shapes = (measurement: number, quantization: number, length: number) => ({
    measurement: { rows: measurement, length },
    quantization: { rows: quantization, length },
  });
  const quick = { measurement: { rows: 8, length: 32 }, quantization: { rows: 16, length: 64 } };
  expect(plannedRows(options(), true, 600)).toEqual(quick);
  expect(plannedRows(options(), false, 600)).toEqual(shapes(19, 115, 2048));
  expect(plannedRows(options('--preset', 'standard'), true, 600)).toEqual(shapes(19, 115, 2048));
  expect(plannedRows(options('--preset', 'quick', '-r', '9'), false, 600)).toEqual({
    ...quick,
    quantization: { rows: 9, length: 64 },
  });
  expect(plannedRows(options('-c', 'a.txt', '-ml', '64', '-l', '96', '-mr', '3'), false, 600)).toEqual({
    measurement: { rows: 3, length: 64 },
    quantization: { rows: 100, length: 96 },
  });
});

test('rows are no longer than a model can run', () => {
  expect(plannedRows(options(), false, 600, 1024)).toEqual({
    measurement: { rows: 19, length: 1024 },
    quantization: { rows: 115, length: 1024 },
  });
  expect(plannedRows(options('-c', 'a.txt', '-l', '96'), true, 600, 80)).toMatchObject({
    ...{ measurement: { rows: 8, length: 32 }, quantization: { length: 80 } },
  });
});

test('the quick preset quantizes with as many rows as have the tokens that the model needs', () => {
  expect(plannedRows(options(), true, 3073)).toMatchObject({ quantization: { rows: 49, length: 64 } });
  expect(plannedRows(options('-r', '9'), true, 3073)).toMatchObject({ quantization: { rows: 9 } });
  expect(plannedRows(options('-c', 'a.txt'), true, 3073)).toMatchObject({ quantization: { rows: 49 } });
});

test.each([
  [['-r', '1000000', '-l', '1000000'], '--dataset_rows 1000000 × --length 1000000 are 1000000000000 tokens'],
  [['-mr', '1000000', '-ml', '1000000'], '--measurement_rows 1000000 × --measurement_length 1000000 are'],
  [['-r', '1000000'], '--dataset_rows 1000000 × --length 2048 are 2048000000 tokens; at most 268435456'],
])('%j are more tokens than there is room for', (args, message) => {
  for (const own of [[], ['-c', 'a.txt']]) {
    expect(() => plannedRows(options(...args, ...own), false, 600)).toThrow(InputError);
    expect(() => plannedRows(options(...args, ...own), false, 600)).toThrow(message);
  }
});

test('the standard mix has its own number of rows, of at most 2048 tokens', () => {
  expect(plannedRows(options('-r', '7', '-l', '4096', '-ml', '512'), false, 0)).toEqual({
    measurement: { rows: 19, length: 512 },
    quantization: { rows: 115, length: 2048 },
  });
  expect(plannedRows(options('-r', '7'), true, 0).quantization).toEqual({ rows: 7, length: 64 });
  expect(plannedRows(options('-c', 'a.txt', '-r', '7', '-l', '4096'), false, 0).quantization).toEqual({
    rows: 7,
    length: 4096,
  });
});

test('the bundled model, which knows simple stories only, is given those: fewer rows suffice', () => {
  const bundled = { ...options(), inDir: resolve('public/models/tinystories-7m') };
  expect(plannedRows(bundled, false, 0)).toEqual({
    measurement: { rows: 6, length: 2048 },
    quantization: { rows: 30, length: 2048 },
  });
  expect(plannedRows(bundled, true, 3072).quantization).toEqual({ rows: 48, length: 64 });
});

test('the help page has every option, in lines that fit', () => {
  const page = helpPage(100);
  for (const [name, option] of Object.entries(OPTIONS)) {
    expect(page).toContain(`--${name}`);
    if ('alias' in option) expect(page).toMatch(new RegExp(`-${[option.alias].flat()[0]}, +--${name}`));
  }
  const explained = page.split('\n').filter((line) => /^ {2}[- ]/.test(line) && line.includes('  '));
  expect(Math.max(...explained.slice(0, 30).map((line) => line.length))).toBeLessThanOrEqual(110);
});

test('the help page stays readable on a very narrow screen', () => {
  expect(helpPage(20)).toContain('--gpu-memory-budget SIZE');
});
