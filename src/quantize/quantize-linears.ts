import type { PoolWorker, RemoteWorker, WorkerPool } from '../distribute/leader/worker-pool.ts';
import { quantizingLinear } from '../estimate/work-estimate.ts';
import type { ModuleParams } from '../exl2/params.ts';
import { withScope } from '../gpu/scope.ts';
import type { StageContext } from '../job/context.ts';
import { checkControl } from '../job/control.ts';
import type { InputKey, LinearSpec, ModuleSpec } from '../model/spec.ts';
import type { InputSample } from '../pass/linear-error.ts';
import type { HessianSums } from '../pass/sums/hessian-sums.ts';
import type { HostTensor } from '../tensor/dtype.ts';
import { Mutex } from '../util/mutex.ts';
import { together } from '../util/together.ts';
import { linearEvent } from './quantize-linear.ts';
import type { RowsPass } from './rows-pass.ts';
import type { WorkerRows } from './worker/worker-rows.ts';

/** With less of the memory free than this, the leader takes no linear of another worker while it quantizes one itself. */
const TAKING_SHARE = 0.5;

/** What the linears of a module are quantized with. */
export interface LinearsRequest {
  readonly module: ModuleSpec;
  readonly params: ModuleParams;
  /** Of all rows, with the totals. */
  readonly sums: HessianSums;
  /** Calibration rows in the sums. */
  readonly rows: number;
  readonly sample: InputSample;
}

/** A linear that is quantized: its packed tensors, and what that costs it by itself. */
interface DoneLinear {
  readonly tensors: readonly HostTensor[];
  readonly error: number;
}

/** Notes a linear; `make` puts its rebuilt weight in place, and has its tensors. */
type Note = (linear: LinearSpec, make: () => Promise<readonly HostTensor[]>) => Promise<void>;

/** Does what takes the leader's GPU memory, in turn with other such work where that is tight. */
type InTurn = (doing: string, work: () => Promise<void>) => Promise<void>;

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
 * Quantizes, packs and checks every linear of a module, each by one worker of the pool; the leader's module then holds
 * the rebuilt weights. The sums are used up.
 */
export async function quantizeLinears(
  context: StageContext,
  pool: WorkerPool,
  pass: RowsPass,
  request: LinearsRequest,
): Promise<QuantizedLinears> {
  const { gpu } = context;
  const { module, sums } = request;
  const { index } = module;
  const [own, ...others] = shareLinears(context, module.linears, [pool.leader, ...pool.remotes]);
  const given = await startRemotes(pool, others, request);
  sums.freeTotals();
  const done = new Map<string, DoneLinear>();
  const note: Note = async (linear, make) => {
    done.set(linear.name, await replace(context, pass.own, request, linear, make));
  };
  const mutex = new Mutex();
  const taking = given.map(async ({ linear, worker, tensors: quantizing }) => {
    const tensors = await quantizing;
    pass.others.give(index, linear, tensors, worker);
    const take = () => pass.own.modules.take(index, linear, tensors);
    await mutex.take(() => note(linear, () => take().then(() => tensors)));
  });
  const isTight = gpu.memory.available < gpu.memory.budget * TAKING_SHARE;
  const inTurn: InTurn = (doing, work) => {
    const led = () => pool.leader.during(doing, work);
    return isTight ? mutex.take(led) : led();
  };
  await together([quantizeOwn(context, pass, request, own!, inTurn, note), ...taking]);
  const inOrder = module.linears.map(({ name }) => [name, done.get(name)!] as const);
  return {
    tensors: inOrder.flatMap(([, { tensors }]) => tensors),
    linearErrors: Object.fromEntries(inOrder.map(([name, { error }]) => [name, error])),
  };
}

/** The leader's own share, one after the other. */
async function quantizeOwn(
  { control }: StageContext,
  pass: RowsPass,
  { module: { index, key }, params, rows }: LinearsRequest,
  linears: readonly LinearSpec[],
  inTurn: InTurn,
  note: Note,
): Promise<void> {
  const { own } = pass;
  const inputs = new Set(linears.map(({ input }) => input));
  try {
    await inTurn(`factors ${key}`, () => own.factorSums(index, inputs, rows));
    for (const linear of linears) {
      await checkControl(control);
      const make = async () => {
        const tensors = await own.linears.quantize(index, linear, params[linear.paramsName]!);
        pass.others.give(index, linear, tensors);
        return tensors;
      };
      await inTurn(`quantizes ${linear.key}`, () => note(linear, make));
    }
  } finally {
    own.linears.free();
  }
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
  { module: { index, key }, params, sums, rows }: LinearsRequest,
): Promise<Given[]> {
  const doing = `quantizes ${key}`;
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

/** Has `make` put another weight in place of a linear's, and finds out and tells what that costs. */
async function replace(
  { gpu, emit, quantizer }: StageContext,
  { modules }: WorkerRows,
  { module, params, sample }: LinearsRequest,
  linear: LinearSpec,
  make: () => Promise<readonly HostTensor[]>,
): Promise<DoneLinear> {
  const done = await withScope(gpu, async (scope) => {
    const project = () =>
      sample.project(scope, linear.input, modules.current(module.index).linears.get(linear.name)!);
    const expected = project();
    const tensors = await make();
    return { tensors, error: await sample.error(quantizer.method, scope, project(), expected) };
  });
  emit(linearEvent(module, linear, params[linear.paramsName]!, done.error));
  return done;
}
