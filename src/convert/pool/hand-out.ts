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
  const current = new Map<Member, Task>();
  const positions = new Map<Member, number>();
  let failed = false;

  const next = (member: Member): Task | undefined => {
    const members = [crew.leader, ...crew.helpers];
    const loads = members.map((each) => ({
      speed: each.speed,
      left: (current.get(each)?.cost ?? 0) * (1 - each.share),
      position: positions.get(each) ?? 0,
    }));
    return failed ? undefined : nextTask(members.indexOf(member), loads, [...remaining]);
  };

  const serve = async (member: Member): Promise<void> => {
    for (let task = next(member); task; task = next(member)) {
      remaining.delete(task);
      current.set(member, task);
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
    }
  };

  const serveOrLeave = (member: Member) =>
    serve(member).catch((error) => {
      if (!(error instanceof WorkerLostError)) throw error;
      crew.warn(error);
    });

  while (remaining.size > 0) await Promise.all([crew.leader, ...crew.helpers].map(serveOrLeave));
}
