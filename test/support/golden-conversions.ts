import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { AllocationModule } from '../../src/allocate/allocate.ts';
import { GOLDEN_DIR, readJson } from './architectures.ts';

/** A candidate as ExLlamaV2's files hold it; the linears' parameters come beside these. */
export interface CandidateJson {
  readonly accuracy: number;
  readonly total_bits: number;
}

/** A conversion by ExLlamaV2: what it measured and what it chose. */
export interface GoldenConversion {
  readonly name: string;
  readonly modules: readonly AllocationModule[];
  /** Index of the chosen candidate for each module. */
  readonly chosen: readonly number[];
  readonly targetBits: number;
  /** What ExLlamaV2 counted as weights. */
  readonly countedWeights: number;
  /** The error norm that its search ended with, where its log is there. */
  readonly norm: number | undefined;
}

/** A JSON file of the reference data, packed or not. */
export const readGolden = (path: string): unknown =>
  existsSync(`${GOLDEN_DIR}/${path}`)
    ? readJson(`${GOLDEN_DIR}/${path}`)
    : JSON.parse(gunzipSync(readFileSync(`${GOLDEN_DIR}/${path}.gz`)).toString());

type MeasuredJson = readonly CandidateJson[];
type MeasurementJson = Record<string, MeasuredJson | { attn: MeasuredJson; mlp: MeasuredJson } | null>;

const measurementJson = (folder: string): MeasurementJson =>
  (readGolden(`${folder}/measurement.json`) as { measurement: MeasurementJson }).measurement;

/** Modules under the keys of the strategy, which knows no parallel decoders. */
function measuredModules(folder: string): Map<string, MeasuredJson> {
  return new Map(
    Object.entries(measurementJson(folder)).flatMap(([key, value]): [string, MeasuredJson][] => {
      if (value === null) return [];
      if (!('attn' in value)) return [[key, value]];
      const layer = key.slice(0, key.lastIndexOf('.'));
      return [
        [`${layer}.self_attn`, value.attn],
        [`${layer}.mlp`, value.mlp],
      ];
    }),
  );
}

function conversion(
  name: string,
  folder: string,
  strategy: Record<string, CandidateJson>,
  weightsOf: (key: string) => number,
  more: Pick<GoldenConversion, 'targetBits' | 'norm'> & { readonly extraWeights: number },
): GoldenConversion {
  const measured = [...measuredModules(folder)];
  const modules = measured.map(([key, candidates]) => ({
    key,
    weights: weightsOf(key),
    candidates: candidates.map(({ total_bits, accuracy }) => ({
      totalBits: total_bits,
      error: 1 - accuracy,
    })),
  }));
  const chosen = measured.map(([key, candidates]) =>
    candidates.findIndex(
      ({ total_bits, accuracy }) =>
        total_bits === strategy[key]!.total_bits && accuracy === strategy[key]!.accuracy,
    ),
  );
  const weights = modules.reduce((sum, module) => sum + module.weights, 0);
  return { name, modules, chosen, countedWeights: weights + more.extraWeights, ...more };
}

/** tinystories-7m: (256, 256 and 128) in the attention, three times (256, 768) in the MLP. */
function smallConversion(name: string, job: string, norm: number): GoldenConversion {
  const { strategy } = readGolden(`conversion/${name}/${job}`) as { strategy: Record<string, CandidateJson> };
  const weights = (key: string) => (key.endsWith('mlp') ? 3 * 256 * 768 : 2 * 256 * 256 + 2 * 256 * 128);
  return conversion(name, `conversion/${name}`, strategy, weights, { targetBits: 4, norm, extraWeights: 0 });
}

interface ConversionJson {
  readonly strategy: Record<string, CandidateJson>;
  /** Of the output: dtype and shape. */
  readonly tensors: Record<string, readonly [string, readonly number[]]>;
}

function architectureConversion(name: string): GoldenConversion {
  const folder = `conversion/architectures/${name}`;
  const { strategy, tensors } = readGolden(`${folder}/conversion.json`) as ConversionJson;
  const linears = Object.entries(tensors).flatMap(([tensor, [, shape]]) => {
    const key = tensor.match(/^(.*)\.q_invperm$/)?.[1];
    return key ? [{ key, weights: shape[0]! * tensors[`${key}.q_weight`]![1][1]! }] : [];
  });
  const weightsOf = (module: string): number => {
    const prefixes = [
      `${module}.`,
      module.replace('block_sparse_moe', 'mlp.experts.'),
      module.replace(/mlp$/, 'feed_forward.'), // InternLM 2
    ];
    return linears.reduce(
      (sum, { key, weights }) => sum + (prefixes.some((prefix) => key.startsWith(prefix)) ? weights : 0),
      0,
    );
  };
  // ExLlamaV2 counts two modules per layer, so with parallel decoders, one per layer, the head too.
  const isParallel = Object.keys(measurementJson(folder)).some((key) => key.endsWith('.parallel_decoder'));
  const head = linears.find(({ key }) => key === 'lm_head')!.weights;
  const extraWeights = isParallel ? head : 0;
  return conversion(name, folder, strategy, weightsOf, { targetBits: 4, norm: undefined, extraWeights });
}

/** All that the reference data holds with a measurement; the norms are from ExLlamaV2's logs. */
export function goldenConversions(): GoldenConversion[] {
  const folder = 'conversion/architectures';
  const architectures = readdirSync(`${GOLDEN_DIR}/${folder}`).filter((name) =>
    ['', '.gz'].some((end) => existsSync(`${GOLDEN_DIR}/${folder}/${name}/measurement.json${end}`)),
  );
  return [
    smallConversion('small', 'job_new.json', 2.462025),
    smallConversion('default', 'job-4.0.json', 2.310127),
    ...architectures.map(architectureConversion),
  ];
}
