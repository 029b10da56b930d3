import type { PoolWorker, RemoteWorker, WorkerPool } from '../distribute/leader/worker-pool.ts';
import { quantizingLinear } from '../estimate/work-estimate.ts';
import type { ModuleParams } from '../exl2/params.ts';
import { factorHessian, type HessianFactor } from '../gptq/factor.ts';
import { type Scope, withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import type { InputKey, LinearSpec } from '../model/spec.ts';
import type { InputSample } from '../pass/linear-error.ts';
import type { LoadedModule } from '../pass/loaded-module.ts';
import { takePackedWeight } from '../pass/packed-module.ts';
import type { HessianSums } from '../pass/sums/hessian-sums.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { Mutex } from '../util/mutex.ts';
import { together } from '../util/together.ts';
import { factorOptions, linearEvent, quantizeLinear } from './quantize-linear.ts';

/** With less of the memory free than this, the leader takes no linear of another worker while it quantizes one itself. */
const TAKING_SHARE = 0.5;

/** What the linears of a module are quantized with. */
export interface LinearsRequest {
  readonly loaded: LoadedModule;
  readonly params: ModuleParams;
  /** Of all rows, with the totals. */
  readonly sums: HessianSums;
  /** Calibration rows in the sums. */
  readonly rows: number;
  readonly sample: InputSample;
  /** Called with each linear's packed tensors, and the other worker that made them, if one did. */
  finished(linear: LinearSpec, tensors: readonly HostTensor[], maker?: RemoteWorker): void;
}

/** What there is of each linear, by name. */
interface Done {
  readonly tensors: Map<string, readonly HostTensor[]>;
  readonly errors: Map<string, number>;
}

/** A linear that another worker quantizes. */
interface Given {
  readonly linear: LinearSpec;
  readonly worker: RemoteWorker;
  readonly tensors: Promise<readonly HostTensor[]>;
}

export interface QuantizedLinears {
  /** Packed tensors and biases of all linears, in their order. */
  readonly tensors: readonly HostTensor[];
  /** Of each linear by itself, by name: see `LinearEvent.error`. */
  readonly linearErrors: Readonly<Record<string, number>>;
}

/**
 * Quantizes, packs and checks every linear of a module, each by one worker of the pool; `loaded` then holds the
 * rebuilt weights, which belong to `scope`. The sums are used up.
 */
export async function quantizeLinears(
  context: StageContext,
  pool: WorkerPool,
  scope: Scope,
  sumScope: Scope,
  request: LinearsRequest,
): Promise<QuantizedLinears> {
  const { loaded, sums } = request;
  const { linears } = loaded.module;
  const shares = shareLinears(context, linears, [pool.leader, ...pool.remotes]);
  const given = await startRemotes(pool, shares.slice(1), request, context);
  sums.freeTotals();
  const done: Done = { tensors: new Map(), errors: new Map() };
  const mutex = new Mutex();
  const taking = takeGiven(context, scope, request, given, mutex, done);
  const { available, budget } = context.gpu.memory;
  const isTight = available < budget * TAKING_SHARE;
  const inTurn = <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    const led = () => pool.leader.during(doing, work);
    return isTight ? mutex.take(led) : led();
  };
  const own = withScope(context.gpu, async (factorScope) => {
    const factors = await inTurn(`factors ${loaded.module.key}`, () =>
      factorInputs(context, factorScope, sumScope, request, shares[0]!),
    );
    for (const linear of shares[0]!) {
      await checkControl(context.control);
      await inTurn(`quantizes ${linear.key}`, () =>
        replace(context, request, linear, done, async () => {
          const params = request.params[linear.paramsName]!;
          const original = loaded.linears.get(linear.name)!;
          const factor = factors.get(linear.input)!;
          const result = await quantizeLinear(context, scope, linear, [original], factor, params);
          done.tensors.set(linear.name, result.tensors);
          request.finished(linear, result.tensors);
          loaded.linears.set(linear.name, result.slices[0]!);
        }),
      );
    }
  });
  await together([own, taking]);
  return {
    tensors: linears.flatMap(({ name }) => done.tensors.get(name)!),
    linearErrors: Object.fromEntries(linears.map(({ name }) => [name, done.errors.get(name)!])),
  };
}

/** Takes what the other workers give, as it comes, each in its turn. */
async function takeGiven(
  context: StageContext,
  scope: Scope,
  request: LinearsRequest,
  given: readonly Given[],
  mutex: Mutex,
  done: Done,
): Promise<void> {
  const take = async ({ linear, worker, tensors: quantizing }: Given) => {
    const packed = await quantizing;
    done.tensors.set(linear.name, packed);
    request.finished(linear, packed, worker);
    await mutex.take(() =>
      replace(context, request, linear, done, () =>
        takePackedWeight(context, scope, request.loaded, linear, packed),
      ),
    );
  };
  await together(given.map(take));
}

/** Of each worker the linears that it quantizes: each, the costliest first, goes to whoever would be done first. */
function shareLinears(
  { quantizer }: StageContext,
  linears: readonly LinearSpec[],
  workers: readonly PoolWorker[],
): LinearSpec[][] {
  const loads = workers.map(() => 0);
  const shares: LinearSpec[][] = workers.map(() => []);
  const cost = (linear: LinearSpec) => quantizingLinear(linear, quantizer.descentPasses);
  for (const linear of linears.toSorted((a, b) => cost(b) - cost(a))) {
    const ends = workers.map(({ speed }, i) => (loads[i]! + cost(linear)) / speed);
    const chosen = ends.indexOf(Math.min(...ends));
    loads[chosen]! += cost(linear);
    shares[chosen]!.push(linear);
  }
  // Those with the same input after each other, as the module has them.
  return shares.map((share) => linears.filter((linear) => share.includes(linear)));
}

/** Sends the other workers the sums that their linears need; what comes back of each linear is awaited later. */
async function startRemotes(
  { remotes }: WorkerPool,
  shares: readonly (readonly LinearSpec[])[],
  { loaded, params, sums, rows }: LinearsRequest,
  { plan }: StageContext,
): Promise<Given[]> {
  const index = plan.modules.indexOf(loaded.module);
  const doing = `quantizes ${loaded.module.key}`;
  const given: Given[] = [];
  const read = new Map<InputKey, Uint8Array<ArrayBuffer>>();
  for (const [i, share] of shares.entries()) {
    const worker = remotes[i]!;
    for (const input of new Set(share.map((linear) => linear.input))) {
      const bytes = read.get(input) ?? (await sums.read(input));
      read.set(input, bytes);
      const taken = worker.call(doing, (api) => api.takeSum(index, input, bytes, rows));
      taken.catch(() => {}); // below
      for (const linear of share.filter((each) => each.input === input)) {
        const made = worker.call(doing, (api) =>
          api.quantizeLinear(index, linear.name, params[linear.paramsName]!),
        );
        const tensors = Promise.all([taken, made]).then(([, answer]) => answer);
        tensors.catch(() => {}); // thrown when it is awaited
        given.push({ linear, worker, tensors });
      }
    }
  }
  return given;
}

/** Has `make` put another weight in place of a linear's, and notes and tells what that costs. */
async function replace(
  { gpu, emit, quantizer }: StageContext,
  { loaded, params, sample }: LinearsRequest,
  linear: LinearSpec,
  done: Done,
  make: () => Promise<void>,
): Promise<void> {
  const { name, paramsName, input } = linear;
  const error = await withScope(gpu, async (temporary) => {
    const expected = sample.project(temporary, input, loaded.linears.get(name)!);
    await make();
    const rebuilt = loaded.linears.get(name)!;
    return sample.error(quantizer.method, temporary, sample.project(temporary, input, rebuilt), expected);
  });
  done.errors.set(name, error);
  emit(linearEvent(linear, params[paramsName]!, error));
}

/** Factors the sums of the inputs that these linears have, and frees all sums. */
async function factorInputs(
  { gpu, quantizer }: StageContext,
  scope: Scope,
  sumScope: Scope,
  { loaded, sums, rows }: LinearsRequest,
  linears: readonly LinearSpec[],
): Promise<Map<InputKey, HessianFactor>> {
  const factors = new Map<InputKey, HessianFactor>();
  for (const [name, h] of sums.squares) {
    if (linears.some(({ input }) => input === name)) {
      const what = `${loaded.module.key} (${name})`;
      factors.set(name, await factorHessian(gpu, scope, what, h, factorOptions(quantizer, rows)));
    }
    sumScope.free(h);
  }
  return factors;
}
