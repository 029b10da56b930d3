import { expect, test } from 'vitest';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import type { StageContext } from '../../src/job/context.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { MeasuredChoices } from '../../src/measure/measured-choices.ts';
import type { MeasuredPart } from '../../src/measurement/measured-part.ts';
import { NumericalError } from '../../src/util/errors.ts';
import { llamaPlan } from '../support/llama-plan.ts';

const plan = llamaPlan({ hidden: 64, intermediate: 128, layers: 1, heads: 4, kvHeads: 4, vocab: 96 });
const MLP = 1;
const CANDIDATES = 17;

/** An MLP module by ExLlamaV2's table, with what is told of it. */
function begun() {
  const events: ConvertEvent[] = [];
  const shares: (number | undefined)[] = [];
  const work = workDirectory(memoryDirectory('work'));
  const context = {
    ...{ plan, quantizer: QUANTIZERS.exllamav2, work },
    emit: (event: ConvertEvent) => void events.push(event),
  } as unknown as StageContext;
  const modules = new MeasuredChoices(context, (_, share) => void shares.push(share));
  modules.begin(MLP);
  return { modules, events, shares, work };
}

const part = (from: number, to: number): MeasuredPart => ({
  ...{ from, to, losses: undefined },
  errors: Array.from({ length: to - from }, (_, i) => ({ accuracy: 0.5 + (from + i) / 100 })),
});

test('a module is finished by its last part, and tells of each candidate once', async () => {
  const { modules, events } = begun();
  await modules.add(MLP, part(5, CANDIDATES), false);
  expect(events.map(({ type }) => type)).toEqual(Array(12).fill('trial'));
  await modules.add(MLP, part(0, 5), true);
  expect(events.slice(12)).toMatchObject([{ type: 'module', key: 'model.layers.0.mlp', resumed: false }]);
  const candidates = modules.measurement.modules.get('model.layers.0.mlp');
  expect(candidates?.map(({ accuracy }) => ({ accuracy }))).toEqual([...part(0, CANDIDATES).errors]);
  const trials = events.flatMap((event) => (event.type === 'trial' ? [event.candidate] : []));
  expect(trials).toEqual(Array.from({ length: 12 }, (_, i) => 5 + i));
});

test.each([
  ['accuracy', { accuracy: Number.NaN }],
  ['accuracy', { accuracy: Number.POSITIVE_INFINITY }],
  ['token error', { accuracy: 0.5, tokenError: Number.NaN }],
])('an %s that is no number is never written: %o', async (name, error) => {
  const { modules, events, work } = begun();
  const wrong = part(0, CANDIDATES);
  const added = modules.add(MLP, { ...wrong, errors: wrong.errors.with(3, error) }, true);
  await expect(added).rejects.toThrow(NumericalError);
  await expect(added).rejects.toThrow(`model.layers.0.mlp: the ${name} of candidate 3 is`);
  expect(await work.list()).toEqual([]);
  expect(events).toEqual([]);
});

test('progress adds up over parts, and what a lost worker had done does not count', async () => {
  const { modules, shares } = begun();
  const lost = part(7, CANDIDATES);
  modules.progress(MLP, part(0, 7), 0.5);
  modules.progress(MLP, lost, 0.9);
  expect(shares.at(-1)).toBeCloseTo((3.5 + 9) / CANDIDATES);
  modules.progress(MLP, lost, 0);
  for (const [from, to] of [
    [0, 7],
    [10, CANDIDATES],
    [7, 10],
  ] as const)
    await modules.add(MLP, part(from, to), false);
  expect(shares.slice(-4)).toEqual([7 / 17, 14 / 17, 1, 1]);
});
