import { byName } from '../../util/by-name.ts';
import type { HelperApi, RemoteHelper } from '../leader/api.ts';

/**
 * A helper for its host to expose: what the leader asks for waits until the helper is there.
 * @param handOver makes of an answer what is sent.
 */
export const serve = (
  helper: () => Promise<HelperApi>,
  handOver = <T>(answer: T): T => answer,
): RemoteHelper =>
  byName(async (name, request) => {
    const opened = await helper();
    return handOver(await Reflect.apply(opened[name], opened, request));
  });
