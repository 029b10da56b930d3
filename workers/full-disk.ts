import { isOutOfSpace } from '../src/io/platform/handle-errors.ts';
import { formatDecimalSize } from '../src/util/text/byte-size.ts';

/** There is no room left to write; the page tells it from other failures by its name. */
class FullDiskError extends Error {
  override readonly name = 'FullDiskError';
}

/**
 * `error`; when it is that the disk or the browser's share of it is full, one that also says how much a job takes in
 * all and what the browser allows.
 */
export async function explainFullDisk(error: unknown, jobBytes: number): Promise<unknown> {
  if (!isOutOfSpace(error)) return error;
  const { usage, quota } = await navigator.storage.estimate();
  const share =
    usage === undefined || quota === undefined
      ? ''
      : ` The browser's own storage holds ${formatDecimalSize(usage)} of the ${formatDecimalSize(quota)} that it allows this page.`;
  return new FullDiskError(
    `${(error as Error).message} The job takes ${formatDecimalSize(jobBytes)} in all.${share}`,
    { cause: error },
  );
}
