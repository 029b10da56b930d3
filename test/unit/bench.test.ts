import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { benchCommand } from '../../src/cli/bench/command.ts';
import { madeUpMeasurement } from '../../src/cli/bench/made-up-measurement.ts';
import { writeRandomModel } from '../../src/cli/bench/random-model.ts';
import type { BenchResult, KernelBenchResult } from '../../src/cli/bench/result.ts';
import { parseRows, shapeConfig } from '../../src/cli/bench/shape.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { measurementFromJson } from '../../src/measurement/measurement-json.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { toFloat } from '../../src/tensor/float-tensor.ts';
import { InputError } from '../../src/util/errors.ts';

const TINY = '64,96,4,2,1,128';
const signal = new AbortController().signal;

const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
const usual = process.env['TMPDIR'];
beforeAll(() => {
  process.env['TMPDIR'] = folder;
});
afterAll(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const exitCode = await benchCommand(args, {
    places: { cwd: folder, root: '/nowhere' },
    out: { write: (text) => void out.push(text), columns: undefined, colors: false, now: () => 0 },
    writeError: (text) => void errors.push(text),
    signal,
  });
  return { exitCode, out: out.join(''), errors: errors.join('') };
}

const result = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as BenchResult;
const stages = ({ stages }: BenchResult) => stages.map(({ stage }) => stage);

describe('a conversion', () => {
  test('with timestamps: stages, modules, memory, bytes and kernels, as a table and as JSON', async () => {
    const { exitCode, out } = await run(
      ...['--shape', TINY, '--rows', '1,2,32', '--profile', '--json', 'all.json'],
    );
    expect(exitCode).toBe(0);
    expect(out).toMatch(/attention, mean +\d+\.\d\d +\d+\.\d\d/);
    expect(out).toMatch(/measure: GPU busy .*\n.*TFLOP\/s/);
    const all = result('all.json');
    expect(all).toMatchObject({ shape: TINY, rows: '1,2,32', stage: 'all', quantizer: 'refined' });
    expect(stages(all)).toEqual(['calibrate', 'measure', 'optimize', 'quantize', 'compile', 'evaluate']);
    const keys = ['model.layers.0.self_attn', 'model.layers.0.mlp'];
    expect(all.modules.map(({ stage, key }) => `${stage} ${key}`)).toEqual(
      ['measure', 'quantize'].flatMap((stage) => keys.map((key) => `${stage} ${key}`)),
    );
    const { memory, io, seconds, profile } = all;
    expect(all.stages.reduce((sum, stage) => sum + stage.seconds, 0)).toBeLessThanOrEqual(seconds);
    expect(memory.gpuPeakBytes).toBeGreaterThanOrEqual(memory.gpuMostInUseBytes);
    expect(memory.gpuMostInUseBytes).toBeGreaterThan(0);
    expect(memory.gpuLeastBytes).toBeGreaterThan(0);
    expect(memory.gpuLeastBytes).toBeLessThanOrEqual(memory.gpuBudgetBytes);
    expect(all.adjustments).toEqual([]);
    const weights = 2 * (2 * 128 * 64 + 64 * (64 + 32 + 32 + 64 + 3 * 96));
    expect(io.model.read).toBeGreaterThan(weights);
    expect(io.model.written).toBe(0);
    expect(io.output.written).toBeGreaterThan(128 * 64 * 2);
    const gpuSeconds = profile!.kernels.reduce((sum, kernel) => sum + kernel.seconds, 0);
    expect(profile!.gpuSeconds).toBeCloseTo(gpuSeconds, 9);
    expect(profile!.waitingShare).toBeCloseTo(1 - gpuSeconds / seconds, 9);
    expect(profile!.ceilings.flops).toBeGreaterThan(1e6);
    expect(profile!.ceilings.bandwidth).toBeGreaterThan(1e6);
    const gram = profile!.kernels.find(({ section, kernel }) => section === 'measure' && kernel === 'gram');
    // One row of 32 tokens through two modules with two distinct inputs each.
    expect(gram).toMatchObject({ dispatches: 4, flops: 32 * (3 * 64 ** 2 + 96 ** 2) });
  });

  test('of one stage, without timestamps', async () => {
    const shape = ['--shape', TINY, '--rows', '1,1,32', '--quantizer', 'exllamav2', '--json', 'one.json'];
    expect((await run(...shape, '--stage', 'measure')).exitCode).toBe(0);
    expect(stages(result('one.json'))).toEqual(['calibrate', 'measure']);
    expect(result('one.json').profile).toBeUndefined();
    expect((await run(...shape, '--stage', 'quantize')).exitCode).toBe(0);
    const only = result('one.json');
    expect(stages(only)).toEqual(['calibrate', 'optimize', 'quantize', 'compile', 'evaluate']);
    expect(only.modules.map(({ stage }) => stage)).toEqual(['quantize', 'quantize']);
  });

  test('leaves nothing behind', () => {
    expect(readdirSync(folder).sort()).toEqual(['all.json', 'one.json']);
  });
});

test('single kernels, as a table and as JSON', async () => {
  const { exitCode, out } = await run(
    '--kernel',
    'cholesky_update',
    'column_scale',
    '--json',
    'kernels.json',
  );
  expect(exitCode).toBe(0);
  expect(out).toMatch(/f32 GEMM .* TFLOP\/s.*\nkernel .*\ncholesky_update .*\ncolumn_scale /);
  const { ceilings, kernels } = JSON.parse(
    readFileSync(join(folder, 'kernels.json'), 'utf8'),
  ) as KernelBenchResult;
  expect(ceilings.flops).toBeGreaterThan(1e6);
  expect(kernels.map(({ kernel }) => kernel)).toEqual(['cholesky_update', 'column_scale']);
});

describe('the random model', () => {
  const write = async () => {
    const directory = memoryDirectory('model');
    await writeRandomModel(directory, shapeConfig(TINY, 2), signal);
    return openModel(directory, {});
  };

  test('is always the same, and of the shape that was asked for', async () => {
    const [{ source, plan }, other] = [await write(), await write()];
    expect(plan.modules).toHaveLength(4);
    expect(plan.unexpected).toEqual([]);
    const { name, data } = await source.read('model.layers.1.mlp.down_proj.weight');
    expect(data).toEqual((await other.source.read(name)).data);
    expect(data).not.toEqual((await source.read('model.layers.0.mlp.down_proj.weight')).data);
    const weights = toFloat(await source.read('lm_head.weight'), 'head').data;
    const power = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
    expect(Math.sqrt(power)).toBeCloseTo(0.02, 3);
    expect(new Set(toFloat(await source.read('model.norm.weight'), 'norm').data)).toEqual(new Set([1]));
  });

  test('has a made-up measurement that a conversion takes', async () => {
    const { plan } = await write();
    const { modules } = measurementFromJson(madeUpMeasurement(plan), plan);
    const candidates = modules.get('model.layers.0.mlp')!;
    const byBits = [...candidates].sort((a, b) => a.totalBits - b.totalBits);
    const errors = byBits.map(({ accuracy }) => 1 - accuracy);
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
    expect(errors.at(-1)).toBeLessThan(0.005);
  });
});

describe('options', () => {
  test('shapes by name and by numbers; layers', () => {
    expect(shapeConfig('llama-8b', 1)).toMatchObject({ hiddenSize: 4096, layers: 1, kvHeads: 8 });
    expect(shapeConfig('llama-1b', undefined).layers).toBe(22);
    expect(shapeConfig('mixtral-8x7b', 1)).toMatchObject({ experts: { count: 8, perToken: 2 }, layers: 1 });
    expect(shapeConfig('qwen3-30b-a3b', 1)).toMatchObject({ headDim: 128, intermediateSize: 768 });
    expect(shapeConfig(TINY, undefined)).toMatchObject({ intermediateSize: 96, heads: 4, vocabSize: 128 });
  });

  test('rows', () => {
    expect(parseRows('19,115').quantization).toEqual({ rows: 115, length: 2048 });
    expect(parseRows('2,3,64').measurement).toEqual({ rows: 2, length: 64 });
    for (const wrong of ['5', '1,2,3,4', '1,x', '0,1', '1,1,33']) {
      expect(() => parseRows(wrong), wrong).toThrow(InputError);
    }
  });

  test.each([
    [['--shape', '64,96'], 'expected llama-1b, llama-8b, mixtral-8x7b, qwen3-30b-a3b or hidden,mlp,heads'],
    [['--shape', '64,96,4,4,1,128,8'], 'experts,experts_per_token'],
    [['--shape', '64,96,4,4,1,128,8,9'], 'num_experts_per_tok is 9'],
    [['--shape', '100,96,5,5,1,128'], 'hidden_size is 100'],
    [['--layers', '0'], '--layers is 0'],
    [['--stage', 'compile'], 'Choices: "all", "measure", "quantize"'],
    [['--kernel', 'gem'], '--kernel gem: expected all or some of gemm'],
    [['--colour', 'blue'], 'colour'],
  ])('%j is refused', async (args, message) => {
    const { exitCode, errors } = await run(...args);
    expect(exitCode).toBe(1);
    expect(errors).toContain(message);
  });

  test('--help', async () => {
    const { exitCode, out } = await run('--help');
    expect(exitCode).toBe(0);
    expect(out).toContain('--profile');
  });
});
