import { join } from 'node:path';
import { ARTEFACT } from '../../job/artefacts.ts';
import type { ConvertEvent } from '../../job/events.ts';
import { argumentsOf } from '../arguments.ts';
import { type Card, startProcess } from '../cards.ts';
import { defaultMemoryBudget } from '../main-memory.ts';
import type { QueueJob, QueueOptions } from '../options.ts';
import { followJob, type JobEnd } from './job-process.ts';
import { cardSlots, type Slot } from './slots.ts';

/** What happens to a job as a whole. */
export interface JobEvent {
  readonly type: 'job';
  /** A job that was stopped goes on when the same command is run again. */
  readonly state: 'started' | 'done' | 'failed' | 'stopped';
  /** Numbers of the cards that it computes on; none: the system's choice. */
  readonly cards: readonly number[];
  /** Why it failed, in its own words. */
  readonly reason?: string;
}

export type TellOfJob = (job: QueueJob, event: JobEvent | ConvertEvent) => void;

export interface QueueSurroundings {
  /** The command's script, which each job is started with. */
  readonly file: string;
  readonly cards: readonly Card[];
  /** Bytes of GPU memory for all jobs of a card. */
  readonly memoryBudget: number;
  readonly tell: TellOfJob;
  readonly signal: AbortSignal;
}

/**
 * Runs every job in a process of its own: models side by side, the bitrates of a model one after the other, so that
 * the first one's measurement serves all. A job that fails stops no other.
 * @returns the largest exit code.
 */
export async function runQueue(queue: QueueOptions, surroundings: QueueSurroundings): Promise<number> {
  const { cards, signal } = surroundings;
  const models = [...new Set(queue.jobs.map(({ options }) => options.inDir))];
  const slots = cardSlots(cards, Math.min(queue.atATime ?? Math.max(cards.length, 1), models.length));
  // What every job would fail of, such as cards that cannot be told apart, ends them all.
  const stop = new AbortController();
  const within = { ...surroundings, signal: AbortSignal.any([signal, stop.signal]) };
  const codes: number[] = [];
  const runs = slots.map(async (slot) => {
    for (let model = models.shift(); model !== undefined; model = models.shift()) {
      const jobs = queue.jobs.filter(({ options }) => options.inDir === model);
      codes.push(...(await runModel(jobs, slot, within)));
    }
  });
  try {
    await Promise.all(runs);
  } finally {
    stop.abort();
    await Promise.allSettled(runs);
  }
  return Math.max(...codes, 0);
}

/** The jobs of one model; their exit codes. */
async function runModel(
  jobs: readonly QueueJob[],
  slot: Slot,
  { file, memoryBudget, tell, signal }: QueueSurroundings,
): Promise<number[]> {
  const codes: number[] = [];
  const cards = slot.cards.map(({ number }) => number);
  let measured: string | undefined;
  for (const job of jobs) {
    if (signal.aborted) break;
    tell(job, { type: 'job', state: 'started', cards });
    const args = jobArguments(job, slot, memoryBudget, measured);
    const child = startProcess(file, args, slot.cards[0], { streams: ['ignore', 'pipe', 'pipe'] });
    const notice = (event: ConvertEvent) => {
      if (event.type === 'stage' && event.stage === 'measure' && event.state !== 'started')
        measured ??= job.options.measurement ?? join(job.options.workDir, ARTEFACT.measurement);
      tell(job, event);
    };
    const end = await followJob(child, notice, signal);
    tell(job, { type: 'job', cards, ...outcome(end, signal) });
    codes.push(end.code);
  }
  return codes;
}

function outcome({ code, errors }: JobEnd, signal: AbortSignal): Pick<JobEvent, 'state' | 'reason'> {
  if (code === 0) return { state: 'done' };
  if (signal.aborted) return { state: 'stopped' };
  // Drivers write there too, so what explains the end is looked for.
  const explained = /^Error: .*/ms.exec(errors)?.[0] ?? errors;
  return { state: 'failed', reason: explained || `ended with exit code ${code}` };
}

/** What a command for this job alone is given. */
export function jobArguments(
  { given, options }: QueueJob,
  { cards, sharing, slots }: Slot,
  memoryBudget: number,
  measured: string | undefined,
): string[] {
  const mainMemory = options.memoryBytes ?? defaultMemoryBudget();
  return argumentsOf({
    ...given,
    json: true,
    jobs: undefined,
    ...(measured !== undefined && { measurement: measured }),
    ...(cards.length > 0 && { gpus: cards.map(({ number }) => number).join(',') }),
    ...(sharing > 1 && { 'gpu-memory-budget': `${Math.floor(memoryBudget / sharing)}B` }),
    ...(slots > 1 && { 'memory-budget': `${Math.floor(mainMemory / slots)}B` }),
  });
}
