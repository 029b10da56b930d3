import type { Emit } from '../convert/events.ts';
import { UnsupportedError } from '../util/errors.ts';
import type { OpenAdapter } from './gpu.ts';
import type { CliOptions } from './options.ts';

/** Converts on `adapter`. Throws the signal's reason when it is aborted. */
export async function runConversion(
  _options: CliOptions,
  _adapter: OpenAdapter,
  _emit: Emit,
  _signal: AbortSignal,
): Promise<void> {
  throw new UnsupportedError('Converting is not there yet.');
}

/** Emits the plan of the conversion; reads headers only and needs no GPU. */
export async function runDryRun(_options: CliOptions, _emit: Emit): Promise<void> {
  throw new UnsupportedError('Planning is not there yet.');
}
