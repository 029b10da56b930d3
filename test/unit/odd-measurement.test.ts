import { afterAll, beforeAll, expect, test } from 'vitest';
import { convert } from '../../src/convert/convert.ts';
import { BIT_WIDTHS, type QuantParams } from '../../src/exl2/params.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { QUANTIZERS } from '../../src/job/settings.ts';
import { measurementToJson } from '../../src/measurement/measurement-json.ts';
import { candidateBits } from '../../src/measurement/module-candidates.ts';
import { openModel } from '../../src/model/check/open-model.ts';
import { InputError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { testGpu } from '../support/gpu.ts';
import { tinyJob, tinyModel } from '../support/tiny-job.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});
afterAll(() => gpu.destroy());

/** Any widths in any shares, in groups of up to so many rows. */
function randomParams(random: () => number, rows: number): QuantParams {
  const some = BIT_WIDTHS.toReversed().filter(() => random() < 0.4);
  const widths = some.length > 0 ? some : ([8] as const);
  const shares = widths.map(() => random() ** 3 + 1e-9);
  const sum = shares.reduce((a, b) => a + b);
  return widths.map((bits, i) => {
    const groupSize = 32 * Math.ceil((random() * rows) / 32);
    return { bits, proportion: shares[i]! / sum, groupSize };
  });
}

test.each([
  ['exllamav2', 128, undefined],
  ['refined', 128, undefined],
  ['refined', 2048, /^In odd\.json: The measurement of .* makes groups of \d+ rows; this program quantizes/],
] as const)(
  'settings that no table has are converted (%s), or named before the work',
  async (method, rows, refused) => {
    const random = seededRandom(rows);
    for (let i = 0; i < 2; i++) {
      const { plan } = await openModel(tinyModel(1), {});
      const modules = plan.modules.map((module) => {
        const params = Object.fromEntries(
          module.linears.map(({ name }) => [name, randomParams(random, rows)]),
        );
        return [module.key, [{ accuracy: 0.9, totalBits: candidateBits(module, params), params }]] as const;
      });
      const measurement = measurementToJson({ modules: new Map(modules) });
      const places = { work: memoryDirectory('work'), output: memoryDirectory('output') };
      const job = await tinyJob(gpu, tinyModel(1), places);
      const settings = { ...job.settings, bits: 12, quantizer: QUANTIZERS[method] };
      const given = { measurement, measurementName: 'odd.json' };
      const converted = convert({ ...job, settings: { ...settings, ...given } });
      if (!refused) await converted;
      else {
        await expect(converted).rejects.toThrow(InputError);
        await expect(converted).rejects.toThrow(refused);
        expect(job.events.some(({ type }) => type === 'stage')).toBe(false);
      }
    }
  },
);
