/** Who does what next: a plan of all that remains, made anew whenever a worker is free. */

/** A piece of work, in any unit. */
export interface Task {
  readonly index: number;
  readonly cost: number;
}

export interface WorkerLoad {
  /** Cost that it gets through in a unit of time. */
  readonly speed: number;
  /** Cost that its task under way still has. */
  readonly left: number;
  /** Tasks from this index on are cheaper for it to come to. */
  readonly position: number;
}

/** With more tasks than this for each worker the order of the tasks is good enough. */
const PLENTY = 2;

/**
 * The task that the worker number `free` should take now; none where it would only hold up the others' end. Long
 * before the end: the next one. Then each task is given, the longest first, to the worker that would be done with it
 * first, and the free one takes the first that falls to it.
 */
export function nextTask(
  free: number,
  workers: readonly WorkerLoad[],
  remaining: readonly Task[],
): Task | undefined {
  const share = shareOf(free, workers, remaining);
  if (share.length === 0) return undefined;
  const isEarly = remaining.length > PLENTY * workers.length;
  return firstFrom(workers[free]!.position, isEarly ? remaining : share);
}

function firstFrom(position: number, tasks: readonly Task[]): Task | undefined {
  const inOrder = tasks.toSorted((a, b) => a.index - b.index);
  return inOrder.find(({ index }) => index >= position) ?? inOrder[0];
}

function shareOf(free: number, workers: readonly WorkerLoad[], remaining: readonly Task[]): Task[] {
  const loads = workers.map(({ left }) => left);
  const own: Task[] = [];
  for (const task of remaining.toSorted((a, b) => b.cost - a.cost || a.index - b.index)) {
    const ends = workers.map(({ speed }, i) => (loads[i]! + task.cost) / speed);
    const chosen = ends.indexOf(Math.min(...ends));
    loads[chosen]! += task.cost;
    if (chosen === free) own.push(task);
  }
  return own;
}
