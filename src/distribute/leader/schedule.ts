/** Who does what next: a plan of all that remains, made anew whenever a worker is free. */

/** A piece of work that can be divided. Costs are in any unit. */
export interface Task {
  readonly index: number;
  /** Its steps: `from` up to, without, `to`. */
  readonly from: number;
  readonly to: number;
  /** Of each step. */
  readonly stepCost: number;
  /** Of what comes before the first step, in each of the parts that it is divided into. */
  readonly setupCost: number;
  /** Of running forward through each index before it. */
  readonly forwardCost: number;
}

/** Without running forward to it. */
export const costOf = ({ from, to, stepCost, setupCost }: Task): number => setupCost + (to - from) * stepCost;

export interface WorkerLoad {
  /** Cost that it gets through in a unit of time. */
  readonly speed: number;
  /** Cost that its task under way still has. */
  readonly left: number;
  /** The index where it is after that: it goes on from there, or for a lower one begins at 0 again. */
  readonly position: number;
}

/** With more tasks than this for each worker the order of the tasks is good enough. */
const PLENTY = 2;

/** Tasks are divided where all is done in less than this share of the time. */
const WORTH_DIVIDING = 0.9;
/** Halvings of the interval in which the earliest end is looked for. */
const HALVINGS = 12;

/**
 * What the worker number `free` should take now, one of the tasks or a part of one; nothing where it would only hold
 * up the others' end. Long before the end: the next task. Then what falls to it in the best plan.
 */
export function nextTask(
  free: number,
  workers: readonly WorkerLoad[],
  remaining: readonly Task[],
): Task | undefined {
  const isEarly = remaining.length > PLENTY * workers.length;
  const share = (isEarly ? longestFirst(workers, remaining) : bestShares(workers, remaining))[free]!;
  if (share.length === 0) return undefined;
  return firstFrom(workers[free]!.position, isEarly ? remaining : share);
}

/**
 * Where workers of one speed had best be at the beginning: the index of each one's first task; undefined where it has
 * none.
 */
export function startingIndexes(workers: number, tasks: readonly Task[]): (number | undefined)[] {
  const indexes = tasks.toSorted(byIndex).map(({ index }) => index);
  const loads = Array.from({ length: workers }, () => ({ speed: 1, left: 0, position: 0 }));
  if (tasks.length > PLENTY * workers) return loads.map((_, i) => indexes[i]);
  // They come there before the work begins.
  const near = tasks.map((task) => ({ ...task, forwardCost: 0 }));
  return bestShares(loads, near).map((share) => share.toSorted(byIndex)[0]?.index);
}

function firstFrom(position: number, tasks: readonly Task[]): Task | undefined {
  const inOrder = tasks.toSorted(byIndex);
  return inOrder.find(({ index }) => index >= position) ?? inOrder[0];
}

/** With running forward from this position. */
const costFrom = (position: number, task: Task): number =>
  costOf(task) + task.forwardCost * (task.index >= position ? task.index - position : task.index + 1);

const byIndex = (a: Task, b: Task): number => a.index - b.index || a.from - b.from;

/** What falls to each worker. */
type Shares = readonly (readonly Task[])[];

function bestShares(workers: readonly WorkerLoad[], remaining: readonly Task[]): Shares {
  const longest = longestFirst(workers, remaining);
  const plan = earliest(inOrder, latestEnd(workers, longest), workers, remaining) ?? longest;
  const worthwhile = latestEnd(workers, plan) * WORTH_DIVIDING;
  return earliest(inOrderDivided, worthwhile, workers, remaining) ?? plan;
}

const latestEnd = (workers: readonly WorkerLoad[], shares: Shares): number =>
  Math.max(...workers.map((worker, i) => endOf(worker, shares[i]!)));

function endOf({ speed, left, position }: WorkerLoad, share: readonly Task[]): number {
  let cost = left;
  let at = position;
  for (const task of share.toSorted(byIndex)) {
    cost += costFrom(at, task);
    at = task.index + 1;
  }
  return cost / speed;
}

/** Each task, the longest first, to the worker that would be done with it first. */
function longestFirst(workers: readonly WorkerLoad[], remaining: readonly Task[]): Shares {
  const shares: Task[][] = workers.map(() => []);
  for (const task of remaining.toSorted((a, b) => costOf(b) - costOf(a) || byIndex(a, b))) {
    const ends = workers.map((worker, i) => endOf(worker, [...shares[i]!, task]));
    shares[ends.indexOf(Math.min(...ends))]!.push(task);
  }
  return shares;
}

/** A plan that has all done until `end`, if it can. */
type Planner = typeof inOrder;

/** The plan with the earliest end, no later than `latest`. */
function earliest(
  planner: Planner,
  latest: number,
  workers: readonly WorkerLoad[],
  remaining: readonly Task[],
): Shares | undefined {
  let best = planner(latest, workers, remaining);
  if (!best) return undefined;
  let [impossible, end] = [0, latest];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (impossible + end) / 2;
    const earlier = planner(middle, workers, remaining);
    if (earlier) [best, end] = [earlier, middle];
    else impossible = middle;
  }
  return best;
}

/** The tasks in their order, as many to each worker as it can do; the first to the one that has come least far. */
function inOrder(
  end: number,
  workers: readonly WorkerLoad[],
  remaining: readonly Task[],
  canDivide = false,
): Shares | undefined {
  const queue = remaining.toSorted(byIndex);
  const shares: Task[][] = workers.map(() => []);
  for (const i of [...workers.keys()].sort((a, b) => workers[a]!.position - workers[b]!.position)) {
    const { speed, left } = workers[i]!;
    let { position } = workers[i]!;
    let room = end * speed - left;
    for (let task = queue[0]; task; task = queue[0]) {
      const steps = Math.floor((room - costFrom(position, { ...task, to: task.from })) / task.stepCost);
      if (steps < task.to - task.from) {
        if (!canDivide || steps < 1) break;
        const middle = task.from + steps;
        shares[i]!.push({ ...task, to: middle });
        queue[0] = { ...task, from: middle };
        break;
      }
      shares[i]!.push(task);
      room -= costFrom(position, task);
      position = task.index + 1;
      queue.shift();
    }
  }
  return queue.length === 0 ? shares : undefined;
}

/** The same, with the last task of each worker divided (McNaughton's rule, with a cost for each part). */
const inOrderDivided: Planner = (end, workers, remaining) => inOrder(end, workers, remaining, true);

/** What remains of a task when a part of it is taken. */
export const withoutPart = (task: Task, { from, to }: Task): Task[] =>
  [
    { ...task, to: from },
    { ...task, from: to },
  ].filter((rest) => rest.from < rest.to);

/** Whether `part` is one of this task. */
export const hasPart = (task: Task, part: Task): boolean =>
  task.index === part.index && task.from <= part.from && part.to <= task.to;
