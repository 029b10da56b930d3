import type { HelperApi, HelperJob, HelperLink, RemoteHelper } from '../../src/distribute/leader/api.ts';
import { Crew, Helper, Member } from '../../src/distribute/leader/crew.ts';
import { JobHelper } from '../../src/distribute/worker/helper.ts';
import { serve } from '../../src/distribute/worker/serve.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import type { Emit } from '../../src/job/events.ts';
import { byName } from '../../src/util/by-name.ts';

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
  const served = serve(async () => helper);
  const api = byName<RemoteHelper>(async (method, request) => {
    const isLost = method === loss?.method && ++calls === loss.call;
    return isLost
      ? lose()
      : structuredClone(await Reflect.apply(served[method], served, structuredClone(request)));
  });
  return { name, api, ended };
}

/** A leader with these helpers, all as fast as it is. */
export async function crewWith(links: readonly HelperLink[], job: HelperJob, emit: Emit): Promise<Crew> {
  const helpers = links.map((link, i) => new Helper(i + 2, link, 'test GPU', 1));
  for (const [i, { api }] of links.entries()) await api.open(job, i + 1);
  return new Crew(new Member(1, 'test GPU', 1), helpers, () => 0, emit);
}
