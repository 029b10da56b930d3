import { expect, test, vi } from 'vitest';
import type { ConvertJob } from '../../src/convert/convert-job.ts';
import { type Findings, writeAndEvaluate } from '../../src/convert/write-and-evaluate.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { StageContext } from '../../src/job/context.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { Recorder } from '../../src/report/recorder.ts';

// Of writing the weights nothing is told here.
vi.mock('../../src/write/compile.ts', async (original) => ({
  ...(await original<object>()),
  compile: async () => ({ bytes: 0, files: [] }),
}));

const card = (license: string) => `---\nlicense: ${license}\n---\n# A model\n`;

/** README.md of an output that held an earlier conversion of another model. */
async function cardOf(modelFiles: Record<string, string>): Promise<string> {
  const output = memoryDirectory('out', { 'README-original.md': card('foreign') });
  const model = memoryDirectory('model', modelFiles);
  const context = {
    plan: { modules: [], choices: [] },
    work: workDirectory(memoryDirectory('work')),
    emit: () => {},
    control: { signal: new AbortController().signal },
  };
  const settings = { bits: 4, headBits: 6, quantizer: QUANTIZERS.refined, precision: 'f32', dataset: 'mix' };
  const rows = { rows: 0, length: 0, sources: [] };
  const recorder = new Recorder();
  recorder.see({
    type: 'start',
    model: {
      ...{ name: 'model', architecture: 'LlamaForCausalLM', layers: 0, hiddenSize: 1 },
      ...{ vocabSize: 1, parameters: 1, dtypes: ['F16'], bytes: 1 },
    },
    bitsPerWeight: 4,
    headBits: 6,
  });
  const findings = {
    rows: { measurement: rows, quantization: rows },
    strategy: { params: new Map(), accuracies: new Map(), event: { bitsPerWeight: 4, modules: [] } },
    ...{ rfnErrors: {}, linearErrors: {}, reference: undefined, recorder },
  };
  await writeAndEvaluate(
    context as unknown as StageContext,
    { model, output, settings, emit: () => {} } as unknown as ConvertJob,
    findings as unknown as Findings,
  );
  const file = (await output.open('README.md'))!;
  return new TextDecoder().decode(await file.read(0, file.size));
}

test('the model card takes its licence from the model, whatever the output held before', async () => {
  expect(await cardOf({ 'README.md': card('apache-2.0') })).toContain('\nlicense: apache-2.0\n');
});

test('the card of a model without one names no licence and no original card', async () => {
  const text = await cardOf({});
  expect(text).not.toContain('license:');
  expect(text).not.toContain('README-original.md');
});
