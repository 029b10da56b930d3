import { beforeAll, expect, test } from 'vitest';
import { openModel } from '../../src/model/check/open-model.ts';
import type { ModelSpec } from '../../src/model/spec.ts';
import { type ReferenceForward, referenceForward } from '../../src/reference/model.ts';
import { BOS, MASSIVE, MASSIVE_MLP, massiveModel, massiveRows } from '../support/massive-model.ts';

const LENGTH = 64;
const { ids } = massiveRows({ rows: 1, length: LENGTH }, 1);

interface Run extends ReferenceForward {
  readonly plan: ModelSpec;
}

async function run(massive: boolean): Promise<Run> {
  const { source, plan } = await openModel(await massiveModel({ massive }), {});
  const weights = new Map<string, Float32Array>();
  for (const name of source.names()) weights.set(name, (await source.readFloat(name)).data);
  return { plan, ...referenceForward(plan, (name) => weights.get(name)!, ids) };
}

let massive: Run;
let twin: Run;
beforeAll(async () => {
  massive = await run(true);
  twin = await run(false);
});

/** Each token's part of `values` (m, …). */
const byToken = (values: Float64Array): Float64Array[] =>
  Array.from({ length: LENGTH }, (_, token) =>
    values.subarray((token * values.length) / LENGTH, ((token + 1) * values.length) / LENGTH),
  );

/** The first token's norm after each module, relative to the median of the others. */
const firstNorms = ({ modules }: Run): number[] =>
  modules.map(({ output }) => {
    const [first, ...others] = byToken(output).map((state) => Math.hypot(...state));
    return first! / others.sort((a, b) => a - b)[others.length / 2 - 0.5]!;
  });

const place = ({ modules }: Run): number => modules.findIndex(({ key }) => key === MASSIVE_MLP);

test('from the massive MLP on, the first token’s state is a thousand times as large as the others', () => {
  const at = place(massive);
  const norms = firstNorms(massive);
  for (const norm of norms.slice(0, at)) expect(norm).toBeCloseTo(1, 0);
  for (const norm of norms.slice(at)) expect(norm).toSatisfy((ratio: number) => ratio > 800 && ratio < 1250);
  expect(norms.length - at).toBe(5);
  const states = byToken(massive.modules.at(-1)!.output);
  const [first, ...others] = states.map((state) => Math.abs(state[MASSIVE]!));
  expect(first! / Math.hypot(...states[0]!)).toBeCloseTo(1, 6);
  expect(Math.max(...others)).toBeLessThan(0.1);
});

test('the twin’s is not', () => {
  for (const norm of firstNorms(twin)) expect(norm).toBeCloseTo(1, 0);
});

test('the two are the same model but for one weight', async () => {
  const [a, b] = [
    await openModel(await massiveModel({ massive: true }), {}),
    await openModel(await massiveModel({ massive: false }), {}),
  ];
  const different: string[] = [];
  for (const name of a.source.names()) {
    const [x, y] = [(await a.source.readFloat(name)).data, (await b.source.readFloat(name)).data];
    for (const [i, value] of x.entries())
      if (value !== y[i]) different.push(`${name} ${i}: ${value}, ${y[i]}`);
  }
  expect(different).toEqual([expect.stringMatching(/^model\.layers\.1\.mlp\.down_proj\.weight \d+: 1, 0$/)]);
});

test('both say the same of every next token, and those differ', () => {
  const logs = (run: Run) => byToken(run.logits).map(logSoftmax);
  const [p, q] = [logs(massive), logs(twin)];
  const divergences = p.map((log, token) => divergence(log, q[token]!));
  expect(Math.max(...divergences)).toBeLessThan(0.01);
  expect(divergences.slice(1).reduce((a, b) => a + b, 0) / (LENGTH - 1)).toBeLessThan(5e-5);
  // Of different tokens, on the other hand:
  expect(divergence(p[1]!, p[2]!)).toBeGreaterThan(1);
});

test('no linear of another module reads much of the first token, in either', () => {
  for (const { modules } of [massive, twin]) {
    for (const { key, inputs } of modules) {
      if (key === MASSIVE_MLP) continue;
      const [first, ...others] = byToken(inputs.get('postNorm')!).map((input) => Math.hypot(...input));
      expect(first! / Math.min(...others), key).toBeLessThan(0.05);
    }
  }
});

test('rows begin with the first token, which is nowhere else, and are always the same', () => {
  const rows = massiveRows({ rows: 5, length: 8 }, 3);
  const places = [...rows.ids].flatMap((id, i) => (id === BOS ? [i] : []));
  expect(places).toEqual([0, 8, 16, 24, 32]);
  expect(massiveRows({ rows: 5, length: 8 }, 3)).toEqual(rows);
  expect(massiveRows({ rows: 5, length: 8 }, 4)).not.toEqual(rows);
  expect(Math.max(...rows.ids)).toBeLessThan(massive.plan.config.vocabSize);
});

function logSoftmax(logits: Float64Array): Float64Array {
  const largest = Math.max(...logits);
  const sum = logits.reduce((total, x) => total + Math.exp(x - largest), 0);
  return logits.map((x) => x - largest - Math.log(sum));
}

/** Kullback-Leibler divergence of distributions that are given by their logarithms. */
const divergence = (p: Float64Array, q: Float64Array): number =>
  p.reduce((sum, log, i) => sum + Math.exp(log) * (log - q[i]!), 0);
