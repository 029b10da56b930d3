import { defaultBudget } from '../../gpu/device.ts';
import type { ConvertEvent } from '../../job/events.ts';
import { UnsupportedError } from '../../util/errors.ts';
import { plainText } from '../../util/text/plain-text.ts';
import { adapterName, type Card, chosenCards } from '../cards.ts';
import { adapterIfAny, runDryRun } from '../dry-run.ts';
import { endableTokenizer } from '../endable.ts';
import type { OpenAdapter } from '../gpu.ts';
import { budgetFor } from '../gpu-memory.ts';
import type { QueueJob, QueueOptions } from '../options.ts';
import { TerminalReport } from '../render.ts';
import type { Terminal } from '../terminal.ts';
import { checkJobs } from './check-jobs.ts';
import { jsonQueueReport, QueueReport } from './queue-report.ts';
import { type JobEvent, runQueue } from './run-queue.ts';

interface QueueCommand {
  readonly queue: QueueOptions;
  /** The command's own script, for the processes of the jobs. */
  readonly file: string;
  readonly out: Terminal;
  readonly writeError: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Runs a queue and shows it. The result is the exit code; throws the signal's reason when that is aborted. */
export async function runQueueCommand(command: QueueCommand): Promise<number> {
  const { queue, out, writeError, signal } = command;
  const [first] = queue.jobs;
  const { json, dryRun, gpus } = first!.options;
  const cards = await chosenCards(gpus);
  const adapter = await adapterOf(first!, cards[0]);
  const software = cards[0]?.file === undefined && (adapter?.software ?? true);
  await checkJobs(queue.jobs, { software, openTokenizer: endableTokenizer(signal) });
  if (dryRun) return dryRuns(queue.jobs, json, out, signal);
  const given = first!.options.gpuMemoryBytes;
  const memoryBudget = adapter ? (await budgetFor(adapter, given)).bytes : (given ?? defaultBudget(software));
  const failures = new Map<string, string>();
  const report = json ? undefined : new QueueReport(out, queue.jobs);
  const show = report?.show.bind(report) ?? jsonQueueReport((text) => out.write(text));
  const tell = (job: QueueJob, event: ConvertEvent | JobEvent) => {
    if (event.type === 'job' && event.state === 'failed')
      failures.set(job.name, plainText(event.reason ?? ''));
    show(job, event);
  };
  // The process tells of Ctrl-C by itself.
  signal.addEventListener('abort', () => report?.leave());
  const code = await runQueue(queue, { ...command, cards, memoryBudget, tell }).finally(() =>
    report?.close(),
  );
  signal.throwIfAborted();
  if (failures.size > 0) writeError(failureText(failures, queue.jobs.length));
  return code;
}

const failureText = (failures: ReadonlyMap<string, string>, jobs: number): string =>
  `${failures.size} of ${jobs} jobs failed:\n` +
  `${[...failures].map(([name, reason]) => `${plainText(name)}: ${reason}\n`).join('')}` +
  'Run the same command again to go on with them; what is done is kept.\n';

/** What the jobs run on; where a card is told apart by its file, whatever this process is offered of its kind. */
async function adapterOf({ options }: QueueJob, card: Card | undefined): Promise<OpenAdapter | undefined> {
  const adapter = await adapterIfAny(card ? adapterName(card) : options.gpu);
  return adapter instanceof UnsupportedError ? undefined : adapter;
}

async function dryRuns(
  jobs: readonly QueueJob[],
  json: boolean,
  out: Terminal,
  signal: AbortSignal,
): Promise<number> {
  for (const job of jobs) {
    const report = new TerminalReport(out);
    const show = jsonQueueReport((text) => out.write(text));
    const see = (event: ConvertEvent) => (json ? show(job, event) : report.show(event));
    await runDryRun(job.options, see, signal);
  }
  return 0;
}
