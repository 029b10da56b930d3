import type { ModuleFacts } from '../../../workers/api/model.ts';

/** A part of a module's experts that is quantized by itself. */
export interface MockPart {
  readonly key: string;
  /** Numbers of its experts; one 0 where it is no part of experts. */
  readonly experts: readonly number[];
}

/** The module itself, or its experts in two parts. */
export function mockParts({ key, experts }: ModuleFacts): MockPart[] {
  if (!experts) return [{ key, experts: [0] }];
  const half = experts / 2;
  return [0, half].map((first) => ({
    key: `${key}.experts.${first}-${first + half - 1}`,
    experts: Array.from({ length: half }, (_, i) => first + i),
  }));
}

/** Calibration tokens of each expert: some are much liked, some hardly. */
export function mockExpertTokens({ layer, experts = 0 }: ModuleFacts): number[] {
  const liking = Array.from({ length: experts }, (_, i) => Math.exp(1.2 * Math.sin(2.1 * i + layer)));
  const all = liking.reduce((a, b) => a + b, 0);
  return liking.map((each) => Math.round((2 * 38912 * each) / all));
}

/** Errors of each expert with this root mean square: the fewer tokens, the more. */
export function mockExpertErrors(module: ModuleFacts, error: number): number[] {
  const shares = mockExpertTokens(module).map((tokens, i) => (1 + 0.15 * Math.sin(5 * i)) / tokens ** 0.25);
  const mean = Math.hypot(...shares) / Math.sqrt(shares.length);
  return shares.map((share) => (error * share) / mean);
}
