import { type Crew, type Member, WorkerLostError } from './crew.ts';
import { nextTask, type Task } from './schedule.ts';

/**
 * Has the crew do all tasks, each by one member; what a lost helper had under way is given to another one.
 * @param work throws WorkerLostError when a helper is lost; any other error ends it all.
 */
export async function handOut(
  crew: Crew,
  tasks: readonly Task[],
  work: (member: Member, index: number) => Promise<void>,
): Promise<void> {
  const remaining = new Set(tasks);
  const current = new Map<Member, { readonly task: Task; readonly started: number }>();
  /** Of the task that was done last: cost at a worker's speed for each millisecond. */
  let pace = 0;
  const positions = new Map<Member, number>();
  let failed = false;

  /** What a member tells of its task may be old, and a task's beginning is not counted in it. */
  const leftOf = (member: Member): number => {
    const under = current.get(member);
    if (!under) return 0;
    const { task, started } = under;
    const likely = (performance.now() - started) * pace * member.speed;
    return Math.max(0, task.cost - Math.max(task.cost * member.share, likely));
  };

  const next = (member: Member): Task | undefined => {
    const members = [crew.leader, ...crew.helpers];
    const loads = members.map((each) => ({
      speed: each.speed,
      left: leftOf(each),
      position: positions.get(each) ?? 0,
    }));
    return failed ? undefined : nextTask(members.indexOf(member), loads, [...remaining]);
  };

  const serve = async (member: Member): Promise<void> => {
    for (let task = next(member); task; task = next(member)) {
      remaining.delete(task);
      const started = performance.now();
      current.set(member, { task, started });
      try {
        await work(member, task.index);
      } catch (error) {
        remaining.add(task);
        if (!(error instanceof WorkerLostError)) failed = true;
        throw error;
      } finally {
        current.delete(member);
      }
      positions.set(member, task.index + 1);
      pace = task.cost / member.speed / (performance.now() - started);
    }
  };

  const serveOrLeave = (member: Member) =>
    serve(member).catch((error) => {
      if (!(error instanceof WorkerLostError)) throw error;
      crew.warnOfLost();
    });

  while (remaining.size > 0) await Promise.all([crew.leader, ...crew.helpers].map(serveOrLeave));
}
