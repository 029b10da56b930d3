import { expect, test } from 'vitest';
import { quantizerSettings } from '../../src/job/settings.ts';

test('descent takes fewer passes in the quick preset, and as many as are asked for in any', () => {
  expect(quantizerSettings('refined', 'standard')).toEqual({ method: 'refined', descentPasses: 4 });
  expect(quantizerSettings('refined', 'quick')).toEqual({ method: 'refined', descentPasses: 2 });
  expect(quantizerSettings('refined', 'quick', 7)).toEqual({ method: 'refined', descentPasses: 7 });
  expect(quantizerSettings('refined', 'standard', 0)).toEqual({ method: 'refined', descentPasses: 0 });
});

test('what ExLlamaV2 does has no descent', () => {
  expect(quantizerSettings('exllamav2', 'quick', 7)).toEqual({ method: 'exllamav2', descentPasses: 0 });
});
