import { afterAll, beforeAll, expect, test } from 'vitest';
import { optimize } from '../../src/allocate/optimize.ts';
import { chooseVariants } from '../../src/autotune/choose-variants.ts';
import type { TrialEvent } from '../../src/job/events.ts';
import { measure } from '../../src/measure/measure.ts';
import { lonePool, stageContext } from '../support/conversion.ts';
import { testGpu } from '../support/gpu.ts';
import { MASSIVE_MLP, massiveModel, massiveRows } from '../support/massive-model.ts';

const ROWS = massiveRows({ rows: 4, length: 64 }, 1);

const gpu = await testGpu();
afterAll(() => gpu.destroy());

async function measured(massive: boolean) {
  const context = await stageContext(gpu, await massiveModel({ massive }), 'refined');
  const measurement = await measure(context, lonePool(), ROWS);
  // Of each candidate the last event tells of all rows; which ones are predicted depends on the errors.
  const trials = context.events.filter(
    (event): event is TrialEvent => event.type === 'trial' && !event.predicted,
  );
  const errors = new Map(trials.map((event) => [`${event.module} ${event.candidate}`, event.error]));
  /** Bits per weight of each module. */
  const allocation = (bits: number): Map<string, number> =>
    new Map(
      optimize(context.plan, measurement, 'refined', bits).event.modules.map(({ key, bitsPerWeight }) => [
        key,
        bitsPerWeight,
      ]),
    );
  return { errors, allocation };
}

let massive: Awaited<ReturnType<typeof measured>>;
let twin: typeof massive;
beforeAll(async () => {
  await chooseVariants(gpu, 'f32');
  massive = await measured(true);
  twin = await measured(false);
});

test('candidates err by as much as the twin’s, before and after the massive module', () => {
  expect(massive.errors.size).toBe(twin.errors.size);
  for (const [candidate, error] of massive.errors) {
    if (candidate.startsWith(MASSIVE_MLP)) continue;
    const ratio = error / twin.errors.get(candidate)!;
    expect(ratio, candidate).toSatisfy((value: number) => value > 0.85 && value < 1.15);
  }
});

test.each([3, 4, 5])('at %i bits every module gets about the bits of the twin’s', (bits) => {
  const expected = twin.allocation(bits);
  for (const [module, given] of massive.allocation(bits)) {
    // A few candidates, whose bits lie up to half a bit apart.
    expect(Math.abs(given - expected.get(module)!), module).toBeLessThan(0.75);
  }
});
