import type { HelperApi, HelperJob, HelperLink } from '../../src/distribute/leader/api.ts';
import { Crew, Helper, Member } from '../../src/distribute/leader/crew.ts';
import { JobHelper } from '../../src/distribute/worker/helper.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import type { Emit } from '../../src/job/events.ts';

/** How a helper is lost: when it is asked for `method` the n-th time, it answers with an error or not any more. */
export interface Loss {
  readonly method: Exclude<keyof HelperApi, 'open' | 'status'>;
  readonly call: number;
  readonly how: 'rejects' | 'ends';
}

export interface HelperPlaces {
  readonly model: ReadableDirectory;
  readonly work: WritableDirectory;
}

/** A helper in this process, on a GPU of its own. Only what can be cloned passes, as between processes. */
export function helperLink(name: string, gpu: Gpu, places: HelperPlaces, loss?: Loss): HelperLink {
  const speeds = { read: async () => undefined, write: async () => {} };
  const control = { signal: new AbortController().signal };
  const helper = new JobHelper({ gpu, adapter: 'test GPU', ...places, speeds, control });
  let end: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  ended.catch(() => {}); // those who wait for it are told
  let calls = 0;
  const lose = async (): Promise<never> => {
    if (loss?.how === 'rejects') throw new Error('Out of memory');
    end(new Error('its process has ended (SIGKILL)'));
    return new Promise(() => {});
  };
  const passed =
    <A extends unknown[], R>(method: keyof HelperApi, work: (...args: A) => R) =>
    async (...args: A): Promise<Awaited<R>> => {
      const isLost = method === loss?.method && ++calls === loss.call;
      return isLost ? lose() : structuredClone(await work(...structuredClone(args)));
    };
  const api: HelperLink['api'] = {
    open: passed('open', (...request) => helper.open(...request)),
    status: passed('status', () => helper.status()),
    measure: passed('measure', (...request) => helper.measure(...request)),
    beginPass: passed('beginPass', (...request) => helper.beginPass(...request)),
    sumRows: passed('sumRows', (index, mixed) => helper.sumRows(index, mixed)),
    readSum: passed('readSum', (piece) => helper.readSum(piece)),
    runOriginal: passed('runOriginal', (index, mixed) => helper.runOriginal(index, mixed)),
    originalPerplexity: passed('originalPerplexity', (mixed) => helper.originalPerplexity(mixed)),
    takeSum: passed('takeSum', (...request) => helper.takeSum(...request)),
    quantizeLinear: passed('quantizeLinear', (...request) => helper.quantizeLinear(...request)),
    takeLinear: passed('takeLinear', (...request) => helper.takeLinear(...request)),
    advanceRows: passed('advanceRows', (...request) => helper.advanceRows(...request)),
  };
  return { name, api, ended };
}

/** A leader with these helpers, all as fast as it is. */
export async function crewWith(links: readonly HelperLink[], job: HelperJob, emit: Emit): Promise<Crew> {
  const helpers = links.map((link, i) => new Helper(i + 2, link, 'test GPU', 1));
  for (const [i, { api }] of links.entries()) await api.open(job, i + 1);
  return new Crew(new Member(1, 'test GPU', 1), helpers, () => 0, emit);
}
