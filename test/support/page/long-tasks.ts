interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Start and wall time, µs. */
  readonly ts: number;
  readonly dur?: number;
  /** Time that the thread computed, µs. Unlike `dur`, it does not grow when other programs take the processor. */
  readonly tdur?: number;
}

/** What is traced for {@link longestTask}. */
export const TASK_CATEGORIES = ['toplevel', 'disabled-by-default-devtools.timeline'];

/** What a page makes its main thread do. Other tasks are the browser's own, such as handing the trace over. */
const PAGE_WORK = [
  'FunctionCall',
  'EvaluateScript',
  'UpdateLayoutTree',
  'Layout',
  'PrePaint',
  'Paint',
  'Layerize',
  'Commit',
];

/** Milliseconds that the longest task of a page computed. */
export function longestTask(trace: Uint8Array | undefined): number {
  const { traceEvents } = JSON.parse(new TextDecoder().decode(trace)) as { traceEvents: TraceEvent[] };
  const work = traceEvents.filter(({ name }) => PAGE_WORK.includes(name));
  const isWithin = (task: TraceEvent) => (part: TraceEvent) =>
    part.pid === task.pid &&
    part.tid === task.tid &&
    part.ts >= task.ts &&
    part.ts <= task.ts + (task.dur ?? 0);
  const tasks = traceEvents.filter((event) => event.name === 'RunTask' && work.some(isWithin(event)));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur / 1000));
}
