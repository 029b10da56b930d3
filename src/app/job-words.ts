import type { JobRecord, JobState } from '../../workers/api/jobs.ts';
import { formatBits } from './format.ts';

export const STATE_WORDS: Readonly<Record<JobState, string>> = {
  waiting: 'waits its turn',
  running: 'running',
  paused: 'paused',
  choosing: 'waits for your choice',
  interrupted: 'interrupted',
  failed: 'failed',
  cancelled: 'cancelled',
  done: 'done',
};

export function stateWords({ state, error, elsewhere }: JobRecord): string {
  if (elsewhere) return 'in another tab';
  return error?.name === 'PermissionError' ? 'folder locked' : STATE_WORDS[state];
}

/** `4.00 bpw`, `4.00 and 2.50 bpw`. */
export function bitratesText({ options, results, state, targets }: JobRecord): string {
  const asked = targets.length > 0 ? targets.map(({ bits }) => bits) : options.bits;
  const made = state === 'done' ? results.map(({ bits }) => bits) : asked;
  return `${made
    .map(formatBits)
    .join(', ')
    .replace(/, ([^,]*)$/, ' and $1')} bpw`;
}

/** `the folder Models`, `the browser’s storage`. */
export const outputPlace = ({ outputName }: JobRecord): string =>
  outputName === '' ? 'the browser’s storage' : `the folder ${outputName}`;
