import { padColumns } from '../../exl2/packed-linear.ts';
import { type Scope, withScope } from '../../gpu/scope.ts';
import type { GpuTensor } from '../../gpu/tensor.ts';
import { NO_ROW } from '../../kernels/experts/gather_rows.ts';
import { topExperts } from '../../kernels/experts/top_experts.ts';
import { MATRIX_SIDE } from '../../kernels/gemm/gemm_subgroup_matrix.ts';
import type { ModuleSpec } from '../spec.ts';
import {
  type ForwardContext,
  type ModuleWeights,
  normalize,
  project,
  type RoutedTokens,
  type Routing,
} from './ops.ts';

const NONE: Routing = new Map();

/**
 * Which tokens of x (tokens, hidden) a module's experts get; nothing for modules without. It has to be known before the
 * module is run, as it decides how large what comes then is. The tensors belong to `scope`.
 */
export async function routeTokens(
  context: ForwardContext,
  scope: Scope,
  weights: ModuleWeights,
  { norm, mixer }: ModuleSpec,
  x: GpuTensor,
): Promise<Routing> {
  if (mixer.kind !== 'experts') return NONE;
  const { gpu } = context;
  const { router, first } = mixer;
  const { experts, perToken } = router;
  const tokens = x.shape[0]!;
  const [chosen, probabilities] = await withScope(gpu, async (temporary) => {
    const normed = normalize(gpu, temporary, x, weights.norms.get(norm.weight)!);
    const linear = weights.linears.get(router.linear.name)!;
    const logits = project({ gpu, mixed: false }, temporary, normed, linear);
    const outputs = {
      chosen: temporary.alloc([tokens, perToken], 'chosen experts'),
      weights: temporary.alloc([tokens, perToken], 'weights of experts'),
    };
    const scalars = { tokens, experts, perToken, normalized: router.normalized ? 1 : 0 };
    gpu.run(topExperts, { ...scalars, columns: padColumns(experts), logits, ...outputs });
    const [numbers, values] = await Promise.all([gpu.read(outputs.chosen), gpu.read(outputs.weights)]);
    return [new Uint32Array(numbers), new Float32Array(values)] as const;
  });
  const own = tokensByExpert(chosen);
  const routing = new Map<number, RoutedTokens>();
  for (let expert = first; expert < first + mixer.experts.length; expert++) {
    const places = own.get(expert);
    if (!places) continue;
    const size = Math.ceil(places.length / MATRIX_SIDE) * MATRIX_SIDE;
    const rows = new Uint32Array(size).fill(NO_ROW);
    const shares = new Float32Array(size);
    for (const [i, place] of places.entries()) {
      rows[i] = Math.floor(place / perToken);
      shares[i] = probabilities[place]!;
    }
    routing.set(expert, {
      tokens: places.length,
      rows: scope.upload(rows, 'tokens of an expert'),
      weights: scope.upload(shares, 'weights of an expert'),
    });
  }
  return routing;
}

/** Of each expert the places in `chosen` that have it. */
function tokensByExpert(chosen: Uint32Array): ReadonlyMap<number, number[]> {
  const places = new Map<number, number[]>();
  for (let place = 0; place < chosen.length; place++) {
    const expert = chosen[place]!;
    const list = places.get(expert) ?? [];
    list.push(place);
    if (list.length === 1) places.set(expert, list);
  }
  return places;
}
