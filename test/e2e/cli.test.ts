import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPackedLinear } from '../../src/exl2/packed-linear.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import {
  assembleModel,
  buildCli,
  type CliResult,
  contents,
  FEW_ROWS,
  runCli,
  stagesOf,
  temporaryDirectory,
} from '../support/cli.ts';
import { readSafetensors } from '../support/safetensors.ts';

const MEASUREMENT = 'test/fixtures/golden/conversion/architectures/llama_tied_bias/measurement.json.gz';
const MODULES = [
  'model.layers.0.self_attn',
  'model.layers.0.mlp',
  'model.layers.1.self_attn',
  'model.layers.1.mlp',
];

const temporary = temporaryDirectory('cli');
const at = (path: string) => join(temporary.path, path);
const args = (name: string, ...more: string[]) => [
  ...['-i', at('model'), '-o', at(`${name}.work`), '-cf', at(name), ...FEW_ROWS],
  ...more,
];

let whole: CliResult;
let sourceBefore: object;

/** Names, times and contents of the source folder. */
function sourceState(): object {
  const times = readdirSync(at('model')).map((name) => [name, statSync(join(at('model'), name)).mtimeMs]);
  return { times, contents: contents(at('model')) };
}

beforeAll(async () => {
  buildCli();
  assembleModel('llama_tied_bias', at('model'));
  sourceBefore = sourceState();
  whole = await runCli(args('whole'));
});
afterAll(() => temporary.remove());

/** A job that is done, for one test to go on with. */
function copyOfWork(name: string): void {
  cpSync(at('whole.work'), at(`${name}.work`), { recursive: true });
}

const finished = ({ events }: CliResult, stage: string) =>
  events.flatMap((event) => (event.type === 'module' && event.stage === stage ? [event.key] : []));
const resumed = ({ events }: CliResult, stage: string) =>
  events.flatMap((event) =>
    event.type === 'module' && event.stage === stage && event.resumed ? [event.key] : [],
  );

describe('a conversion', () => {
  test('runs through all stages and says so, one event a line', () => {
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    const stages = ['calibrate', 'measure', 'optimize', 'quantize', 'compile', 'evaluate'];
    expect(stagesOf(whole)).toEqual(stages.map((stage) => `${stage} done`));
    expect(whole.events[0]).toMatchObject({
      type: 'start',
      model: { name: at('model'), architecture: 'LlamaForCausalLM', layers: 2, dtypes: ['F16'] },
      bitsPerWeight: 4,
      headBits: 6,
    });
    expect(finished(whole, 'measure')).toEqual(MODULES);
    expect(finished(whole, 'quantize')).toEqual(MODULES);
    // ExLlamaV2's tables, and two more that tell the linears' parts in the error.
    const trials = whole.events.filter((event) => event.type === 'trial' && !event.predicted);
    expect(trials).toHaveLength(2 * (24 + 21));
    expect(whole.events.filter(({ type }) => type === 'perplexity')).toHaveLength(2);
    const progress = whole.events.filter((event) => event.type === 'progress');
    expect(progress.every(({ done, total }) => Number.isInteger(done) && done >= 0 && done <= total)).toBe(
      true,
    );
    const last = whole.events.at(-1);
    const files = ['README.md', 'config.json', 'output.safetensors', 'report.html'];
    files.push('tokenizer.json', 'tokenizer_config.json');
    expect(last).toMatchObject({ type: 'output', directory: at('whole'), headBits: 6, files });
    expect(readdirSync(at('whole')).sort()).toEqual(files);
  });

  test('makes a model that reads back: every linear packed, config.json with its quantization', async () => {
    const config = JSON.parse(readFileSync(at('whole/config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['quantization_config']).toEqual({
      quant_method: 'exl2',
      version: '0.3.2',
      bits: 4,
      head_bits: 6,
      calibration: { rows: 3, length: 32, dataset: 'cal_small.parquet' },
    });
    const tensors = await readSafetensors(at('whole/output.safetensors'));
    const linears = ['q', 'k', 'v', 'o'].map((name) => `self_attn.${name}_proj`);
    const keys = [0, 1].flatMap((layer) =>
      [...linears, 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'].map(
        (name) => `model.layers.${layer}.${name}`,
      ),
    );
    for (const key of [...keys, 'lm_head']) {
      const { k, n } = readPackedLinear(key, (name) => tensors.get(name));
      expect((k % 32) + (n % 32), key).toBe(0);
    }
    expect(tensors.get('model.embed_tokens.weight')).toMatchObject({ dtype: 'F16', shape: [320, 128] });
  });

  test('again takes everything from before and writes the same', async () => {
    const before = contents(at('whole'));
    const again = await runCli(args('whole'));
    expect(stagesOf(again)).toEqual([
      'calibrate done',
      'measure reused',
      'optimize done',
      'quantize reused',
      'compile done',
      'evaluate reused',
    ]);
    const perplexities = (run: CliResult) => run.events.filter(({ type }) => type === 'perplexity');
    expect(perplexities(again)).toEqual(perplexities(whole));
    expect(contents(at('whole'))).toEqual(before);
  });

  test('is judged on held-out text, and says so in a report and a model card', () => {
    const of = (type: ConvertEvent['type']) => whole.events.filter((event) => event.type === type);
    expect(of('reference')).toHaveLength(1);
    const [evaluation] = of('evaluation');
    if (evaluation?.type !== 'evaluation') throw new Error('there is no evaluation');
    const { rows, length, perplexity, divergence } = evaluation.measures;
    expect([rows, length]).toEqual([2, 256]);
    expect(divergence.mean).toBeGreaterThan(0);
    const report = readFileSync(at('whole/report.html'), 'utf8');
    expect(report).toMatch(/^<!doctype html>/);
    expect(report).not.toMatch(/https?:|<script|<link|url\(/);
    expect(report).toContain(perplexity.model.toFixed(3));
    expect(report).toContain('layer 1, down_proj');
    const card = readFileSync(at('whole/README.md'), 'utf8');
    expect(card).toContain('# model, EXL2 at 4 bits per weight');
    expect(card).toContain(`mean ${divergence.mean.toFixed(5)}`);
  });

  test('only reads its source', () => {
    expect(sourceState()).toEqual(sourceBefore);
  });
});

describe('a job that is stopped', () => {
  type When = (event: ConvertEvent) => boolean;
  const measuring = (module: number): When => {
    let under: string | undefined;
    return (event) => {
      if (event.type !== 'progress' || event.stage !== 'measure') return false;
      // The second report: the module is under way.
      const isUnderWay = under === event.detail;
      under = event.detail;
      return isUnderWay && event.detail === MODULES[module];
    };
  };
  const quantized =
    (key: string): When =>
    (event) =>
      event.type === 'linear' && event.key === key;
  const writing: When = (event) => event.type === 'progress' && event.stage === 'compile';

  /** Runs until `when`, then sends the signal. */
  function stopAt(when: When, signal: NodeJS.Signals): Promise<CliResult> {
    let isStopped = false;
    return runCli(args('stopped'), (event, process) => {
      if (isStopped || !when(event)) return;
      isStopped = true;
      process.kill(signal);
    });
  }

  test('at any moment goes on, loses no more than was under way, and comes to the same bytes', async () => {
    const interrupted = await stopAt(measuring(1), 'SIGINT');
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toMatch(/Interrupted\. Run the same command again/);
    expect(interrupted.stderr).not.toMatch(/ at .*\(/);
    const done = finished(interrupted, 'measure');
    expect(done).toEqual(MODULES.slice(0, Math.max(1, done.length)));
    expect(done.length).toBeLessThan(MODULES.length);

    const moments: When[] = [
      measuring(2),
      quantized('model.layers.0.mlp.up_proj'),
      quantized('lm_head'),
      writing,
    ];
    let before = interrupted;
    for (const when of moments) {
      const stopped = await stopAt(when, 'SIGKILL');
      expect(stopped.code).toBeUndefined();
      expectNothingLost(before, stopped);
      before = stopped;
    }
    const last = await runCli(args('stopped'));
    expect(last.code).toBe(0);
    expectNothingLost(before, last);
    expect(contents(at('stopped'))).toEqual(contents(at('whole')));
  });

  function expectNothingLost(before: CliResult, after: CliResult): void {
    for (const stage of ['measure', 'quantize']) {
      if (stagesOf(after).includes(`${stage} reused`)) continue;
      expect(resumed(after, stage)).toEqual(expect.arrayContaining(finished(before, stage)));
    }
  }

  test('while it wrote the output finishes that', async () => {
    copyOfWork('unfinished');
    expect((await runCli(args('unfinished'))).code).toBe(0);
    rmSync(at('unfinished/config.json'));
    rmSync(at('unfinished/tokenizer.json'));
    writeFileSync(at('unfinished/output.safetensors.partial'), 'the start of a fi');
    expect((await runCli(args('unfinished'))).code).toBe(0);
    expect(contents(at('unfinished'))).toEqual(contents(at('whole')));
  });
});

describe('a work directory', () => {
  test.each([
    ['bits', ['-b', '5'], ['bits: 4 then, 5 now']],
    ['head bits', ['-hb', '8'], ['head_bits: 6 then, 8 now']],
    ['rows', ['-r', '2', '-ml', '16'], ['measurement_rows: "2 × 32 ', 'quantization_rows: "3 × 32 ']],
    ['rope', ['-rs', '2'], ['rope_scale: null then, 2 now']],
  ])('of a job with other %s is refused with what differs', async (_, options, differences) => {
    const { code, stderr } = await runCli(args('whole', ...options));
    expect(code).toBe(1);
    for (const difference of differences) expect(stderr).toContain(difference);
    expect(stderr).toContain('--no_resume');
    expect(contents(at('whole.work'))['job.json']).toBeDefined();
  });

  test('is emptied by --no_resume, and files that are not of a job stay', async () => {
    copyOfWork('anew');
    writeFileSync(at('anew.work/notes.txt'), 'mine');
    const measurement = ['-m', at('whole.work/measurement.json')];
    const run = await runCli(args('anew', '--no_resume', '-b', '3.5', ...measurement));
    expect(run.code).toBe(0);
    expect(stagesOf(run)).toContain('quantize done');
    expect(resumed(run, 'quantize')).toEqual([]);
    expect(existsSync(at('anew.work/measured'))).toBe(true);
    expect(readdirSync(at('anew.work/measured'))).toEqual([]);
    expect(existsSync(at('anew.work/notes.txt'))).toBe(true);
  });
});

describe('a measurement', () => {
  const golden = () => {
    writeFileSync(at('golden.json'), gunzipSync(readFileSync(MEASUREMENT)));
    return ['-m', at('golden.json')];
  };

  test('is written by --output_measurement, which ends there', async () => {
    copyOfWork('measured');
    const run = await runCli(args('measured', '-om', at('measured.json')));
    expect(run.code).toBe(0);
    expect(stagesOf(run)).toEqual(['calibrate done', 'measure reused']);
    expect(existsSync(at('measured'))).toBe(false);
    expect(readFileSync(at('measured.json'))).toEqual(readFileSync(at('whole.work/measurement.json')));
    // Again, what it wrote itself is written again.
    expect((await runCli(args('measured', '-om', at('measured.json')))).code).toBe(0);
  });

  test('is not written over a file that is there', async () => {
    copyOfWork('kept');
    writeFileSync(at('mine.json'), '{"mine": 1}');
    const run = await runCli(args('kept', '-om', at('mine.json')));
    expect(run).toMatchObject({ code: 1, events: [] });
    expect(run.stderr).toContain(`${at('mine.json')} is there already: choose another name`);
    expect(readFileSync(at('mine.json'), 'utf8')).toBe('{"mine": 1}');
  });

  test('of ExLlamaV2 is taken', async () => {
    const run = await runCli(args('golden', ...golden()));
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(stagesOf(run)).toContain('measure reused');
    expect(run.events.at(-1)).toMatchObject({ type: 'output', directory: at('golden') });
  });

  test('that leads to another allocation is refused where layers are quantized already', async () => {
    const run = await runCli(args('whole', ...golden()));
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/another allocation, made from another measurement.*model\.layers\.\d/);
    expect(stagesOf(await runCli(args('whole')))).toContain('quantize reused');
  });
});

describe('the output', () => {
  test('is cut into shards with an index, and an earlier one leaves none behind', async () => {
    copyOfWork('shards');
    const sharded = await runCli(args('shards', '-ss', '0.1'));
    expect(sharded.code).toBe(0);
    const shards = readdirSync(at('shards')).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards[0]).toBe(`output-00001-of-0000${shards.length}.safetensors`);
    const index = JSON.parse(readFileSync(at('shards/model.safetensors.index.json'), 'utf8')) as {
      weight_map: Record<string, string>;
    };
    const all = await readSafetensors(at('whole/output.safetensors'));
    expect(Object.keys(index.weight_map).sort()).toEqual([...all.keys()].sort());
    for (const shard of shards) {
      const tensors = await readSafetensors(at(`shards/${shard}`));
      for (const [name, tensor] of tensors) {
        expect(index.weight_map[name]).toBe(shard);
        expect(tensor).toEqual(all.get(name));
      }
    }
    expect((await runCli(args('shards', '-ss', '0'))).code).toBe(0);
    expect(contents(at('shards'))).toEqual(contents(at('whole')));
  });

  test('replaces no files of the user', async () => {
    mkdirSync(at('letters'));
    writeFileSync(at('letters/letter.txt'), 'Dear …');
    const { code, stderr } = await runCli(args('letters'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: The output directory .*letters holds files .*letter\.txt/);
    expect(contents(at('letters'))).toEqual({ 'letter.txt': Buffer.from('Dear …').toString('hex') });
    expect(existsSync(at('letters.work'))).toBe(false);
  });

  test('is tried before the work', async () => {
    writeFileSync(at('file'), '');
    const run = await runCli([...args('x').slice(0, 4), '-cf', at('file/out'), ...FEW_ROWS]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^Error: Cannot read .*file\/out: a part of the path is a file/);
    expect(run.events).toEqual([]);
  });
});

describe('a source', () => {
  const configWith = (changes: object) => (folder: string) => {
    const path = join(folder, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...config, ...changes }));
  };

  test.each<[string, (folder: string) => void, RegExp]>([
    ['without config.json', (folder) => rmSync(join(folder, 'config.json')), /has no config\.json: choose/],
    ['without tokenizer', (folder) => rmSync(join(folder, 'tokenizer.json')), /tokenizer\.json/],
    ['without weights', (folder) => rmSync(join(folder, 'model.safetensors')), /no \.safetensors/],
    [
      'whose weights are cut off',
      (folder) => truncateSync(join(folder, 'model.safetensors'), 300_000),
      /model\.safetensors.*(300000|ends|download)/,
    ],
    [
      'of another architecture',
      configWith({ architectures: ['MambaForCausalLM'] }),
      /MambaForCausalLM.*LlamaForCausalLM.*Qwen3ForCausalLM/,
    ],
    ['with a wrong config.json', configWith({ hidden_size: 'large' }), /hidden_size/],
    [
      'that is not there',
      (folder) => rmSync(folder, { recursive: true }),
      /^Error: Cannot read .*: there is no such file or folder/,
    ],
  ])('%s is refused with a reason and no stack', async (what, damage, message) => {
    const folder = assembleModel('llama_tied_bias', at(what));
    damage(folder);
    const { code, stderr } = await runCli([
      '-i',
      folder,
      '-o',
      at(`${what}.work`),
      '-cf',
      at(`${what}.out`),
      ...FEW_ROWS,
    ]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });

  test('is refused at once when no allocation is as small as asked for', async () => {
    const { code, stderr, events } = await runCli(args('small', '-b', '2'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /2\.000 bits per weight is too little.*allow 2\.5\d+ to 8\.\d+\. Ask for at least 2\.5/,
    );
    expect(events).toEqual([]);
  });
});
