import { type Crew, type Member, WorkerLostError } from './crew.ts';
import { costOf, hasPart, nextTask, type Task, withoutPart } from './schedule.ts';

/** Share of a task under way that is left at least, whatever is estimated: its worker is not free. */
const LEAST_LEFT = 0.05;

/**
 * Has the crew do all tasks, each by one member or divided among several; what a lost helper had under way is given to
 * another one.
 * @param work does a task or a part of one; throws WorkerLostError when a helper is lost; any other error ends it all.
 */
export async function handOut(
  crew: Crew,
  tasks: readonly Task[],
  work: (member: Member, task: Task) => Promise<void>,
): Promise<void> {
  const remaining = new Set(tasks);
  const current = new Map<Member, { readonly task: Task; readonly started: number }>();
  /** Of the task that was done last: cost at a worker's speed for each millisecond. */
  let pace = 0;
  let failed = false;

  /** What a member tells of its task may be old, and a task's beginning is not counted in it. */
  const leftOf = (member: Member): number => {
    const under = current.get(member);
    if (!under) return 0;
    const { task, started } = under;
    const likely = (performance.now() - started) * pace * member.speed;
    const done = Math.max(costOf(task) * member.share, likely);
    return Math.max(costOf(task) * LEAST_LEFT, costOf(task) - done);
  };

  /** Those that may take more. */
  const serving = new Set<Member>();

  const next = (member: Member): Task | undefined => {
    const members = [...serving];
    const loads = members.map((each) => ({
      speed: each.speed,
      left: leftOf(each),
      position: each.position,
    }));
    return failed ? undefined : nextTask(members.indexOf(member), loads, [...remaining]);
  };

  const take = (part: Task): void => {
    const whole = [...remaining].find((task) => hasPart(task, part))!;
    remaining.delete(whole);
    for (const rest of withoutPart(whole, part)) remaining.add(rest);
  };

  const serve = async (member: Member): Promise<void> => {
    for (let task = next(member); task; task = next(member)) {
      take(task);
      const started = performance.now();
      current.set(member, { task, started });
      member.position = task.index + 1;
      try {
        await work(member, task);
      } catch (error) {
        remaining.add(task);
        if (!(error instanceof WorkerLostError)) failed = true;
        throw error;
      } finally {
        current.delete(member);
      }
      pace = costOf(task) / member.speed / Math.max(1, performance.now() - started);
    }
  };

  const serveOrLeave = async (member: Member): Promise<void> => {
    try {
      await serve(member);
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      crew.warnOfLost();
    } finally {
      serving.delete(member);
    }
  };

  while (remaining.size > 0) {
    const members = [crew.leader, ...crew.helpers];
    for (const member of members) serving.add(member);
    const serves = members.map(serveOrLeave);
    try {
      await Promise.all(serves);
    } catch (error) {
      // What the leader has under way uses memory that is freed after this.
      await serves[0]!.catch(() => {});
      throw error;
    }
  }
}
