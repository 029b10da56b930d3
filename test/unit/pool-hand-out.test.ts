import { expect, test, vi } from 'vitest';
import type { HelperApi, HelperLink } from '../../src/distribute/leader/api.ts';
import { Crew, Helper, Member, WorkerLostError } from '../../src/distribute/leader/crew.ts';
import { handOut } from '../../src/distribute/leader/hand-out.ts';
import type { Task } from '../../src/distribute/leader/schedule.ts';
import type { ConvertEvent } from '../../src/job/events.ts';
import type { MeasuredPart } from '../../src/measurement/measured-part.ts';

/** A helper whose `measure` is given; it never ends by itself. */
function helper(id: number, measure: HelperApi['measure'], ended: Promise<never> = new Promise(() => {})) {
  const api = { measure } as unknown as HelperLink['api'];
  return new Helper(id, { name: `worker ${id}`, api, ended }, 'fake GPU', 1);
}

function crewOf(...helpers: Helper[]) {
  const events: ConvertEvent[] = [];
  const leader = new Member(1, 'fake GPU', 1);
  return {
    crew: new Crew(
      leader,
      helpers,
      () => 0,
      (event) => void events.push(event),
    ),
    events,
  };
}

const TASKS = Array.from(
  { length: 6 },
  (_, index): Task => ({ index, from: 0, to: 1, stepCost: 1, setupCost: 0, wayCost: 0 }),
);
const PART: MeasuredPart = { from: 0, to: 1, errors: [{ accuracy: 1 }], losses: undefined };
const pause = () => new Promise<MeasuredPart>((resolve) => setTimeout(() => resolve(PART), 1));

/** Who did each task. */
async function run(crew: Crew, fails?: (index: number) => boolean) {
  const done = new Map<number, number>();
  await handOut(crew, TASKS, async (member, { index, from, to }) => {
    if (member instanceof Helper) await member.call('works', (api) => api.measure(index, { from, to }));
    else {
      await member.during('works', pause);
      if (fails?.(index)) throw new Error('broken');
    }
    done.set(index, member.id);
  });
  crew.end();
  return done;
}

test('every task is done once, by all', async () => {
  const { crew } = crewOf(helper(2, pause), helper(3, pause));
  const done = await run(crew);
  expect([...done.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(done.values())).toEqual(new Set([1, 2, 3]));
});

test('what a helper had under way when it was lost is done by the others', async () => {
  let calls = 0;
  const dying = helper(2, async () => {
    if (++calls === 2) throw new Error('device lost');
    return pause();
  });
  const { crew, events } = crewOf(dying);
  const done = await run(crew);
  expect(done.size).toBe(6);
  expect([...done.values()].filter((id) => id === 2)).toHaveLength(1);
  expect(crew.helpers).toEqual([]);
  expect(events).toContainEqual({
    type: 'warning',
    message: 'worker 2 (fake GPU) is lost: device lost. The other workers do its work.',
  });
});

test('a helper that ends without an answer is lost', async () => {
  const ended = Promise.reject(new Error('its process has ended (SIGKILL)'));
  ended.catch(() => {});
  const silent = helper(2, () => new Promise(() => {}), ended);
  await expect(silent.call('works', (api) => api.measure(0, PART))).rejects.toThrow(WorkerLostError);
  expect(silent.loss).toBeInstanceOf(WorkerLostError);
  const { crew } = crewOf(silent);
  expect((await run(crew)).size).toBe(6);
});

test('a helper that hears that the job is cancelled ends it all, and is not lost', async () => {
  const cancelled = helper(2, async () => {
    throw new DOMException('cancelled', 'AbortError');
  });
  const { crew, events } = crewOf(cancelled);
  await expect(run(crew)).rejects.toThrow('cancelled');
  expect([cancelled.loss, events]).toEqual([undefined, []]);
});

test('a helper that is lost is asked for nothing more', async () => {
  const measure = vi.fn(async () => {
    throw new Error('device lost');
  });
  const lost = helper(2, measure);
  for (let i = 0; i < 2; i++) {
    const asked = lost.call('works', (api) => api.measure(0, PART));
    await expect(asked).rejects.toThrow('worker 2 (fake GPU) is lost: device lost.');
  }
  expect(measure).toHaveBeenCalledTimes(1);
});

test('what the leader has under way comes to its end, whatever else fails', async () => {
  const cancelled = helper(2, async () => {
    throw new DOMException('cancelled', 'AbortError');
  });
  const { crew } = crewOf(cancelled);
  let isDone = false;
  const all = handOut(crew, TASKS, async (member, task) => {
    if (member instanceof Helper) await member.call('works', (api) => api.measure(task.index, task));
    else {
      await new Promise((resolve) => setTimeout(resolve, 20));
      isDone = true;
    }
  });
  await expect(all).rejects.toThrow('cancelled');
  expect(isDone).toBe(true);
  crew.end();
});

test("the leader's error ends it all", async () => {
  const { crew } = crewOf(helper(2, pause));
  await expect(run(crew, (index) => index === 0)).rejects.toThrow('broken');
});

test('a task that is divided is done once, in parts', async () => {
  const { crew } = crewOf(helper(2, pause), helper(3, pause));
  const done: string[] = [];
  const by = new Set<number>();
  const task = { index: 0, from: 0, to: 21, stepCost: 1, setupCost: 1, wayCost: 0 };
  await handOut(crew, [task], async (member, { from, to }) => {
    await member.during('works', pause);
    by.add(member.id);
    for (let step = from; step < to; step++) done.push(String(step).padStart(2));
  });
  crew.end();
  expect(done.toSorted()).toEqual(Array.from({ length: 21 }, (_, step) => String(step).padStart(2)));
  expect(by).toEqual(new Set([1, 2, 3]));
});
