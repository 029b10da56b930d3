import { copyFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nodeDirectory } from '../../io/platform/node/node-directory.ts';
import { workDirectory } from '../../io/work/work-directory.ts';
import { ARTEFACT } from '../../job/artefacts.ts';
import type { ConvertEvent } from '../../job/events.ts';
import { InputError } from '../../util/errors.ts';
import { type Card, openCard } from '../cards.ts';
import { runConversion } from '../conversion.ts';
import type { QueueJob } from '../options.ts';
import type { Seconds } from './result.ts';

export interface ConversionPlace {
  readonly cards: readonly Card[];
  /** The repository. */
  readonly root: string;
}

/** Conversions one after the other; what one has measured the next ones of the same model and variant take. */
export class Conversions {
  readonly #place: ConversionPlace;
  /** Measurement files of this run. */
  readonly #measured = new Set<string>();

  constructor(place: ConversionPlace) {
    this.#place = place;
  }

  /** Converts, and tells how long that took. Throws the signal's reason when it is aborted. */
  async run(
    { options }: QueueJob,
    see: (event: ConvertEvent) => void,
    signal: AbortSignal,
  ): Promise<Seconds> {
    const { cards, root } = this.#place;
    const file = measurementFile(options);
    const measurement = options.measurement ?? (this.#measured.has(file) ? file : undefined);
    const adapter = await openCard(cards[0], options.gpu);
    const watch = new StageTimes();
    const started = performance.now();
    try {
      await runConversion(
        { ...options, ...(measurement !== undefined && { measurement }) },
        { adapter, cards, root },
        (event) => {
          watch.see(event);
          see(event);
        },
        signal,
      );
    } catch (error) {
      throw withPlaces(error);
    } finally {
      if (measurement === undefined) await this.#keepMeasurement(options.workDir, file);
    }
    return watch.seconds((performance.now() - started) / 1000);
  }

  /** Also of a conversion that failed later. */
  async #keepMeasurement(workDir: string, file: string): Promise<void> {
    const { kind } = await workDirectory(nodeDirectory(workDir)).inspect(ARTEFACT.measurement);
    if (kind !== 'whole') return;
    await copyFile(join(workDir, ARTEFACT.measurement), file);
    this.#measured.add(file);
  }
}

/** The converter names options for places, of which there is one here. */
function withPlaces(error: unknown): unknown {
  if (!(error instanceof InputError) || !/--(out_dir|compile_full)|output directory/.test(error.message))
    return error;
  return new InputError(
    `${error.message} In a comparison --keep names the place of all outputs and work directories.`,
  );
}

/** Beside the outputs, one for each model. */
const measurementFile = ({ outputDir, inDir }: QueueJob['options']): string =>
  join(dirname(outputDir), `${basename(inDir)}-measurement.json`);

/** Removes a job's output and its work directory. */
export async function removeJob({ options }: QueueJob): Promise<void> {
  for (const folder of [options.outputDir, options.workDir])
    await rm(folder, { recursive: true, force: true });
}

/** How long measuring took and the rest; nothing of what an earlier run has done. */
class StageTimes {
  #measuring: number | undefined;
  #isQuantized = false;

  see(event: ConvertEvent): void {
    if (event.type !== 'stage' || event.state !== 'done') return;
    if (event.stage === 'measure') this.#measuring = event.seconds ?? 0;
    if (event.stage === 'quantize') this.#isQuantized = true;
  }

  seconds(all: number): Seconds {
    const measuring = this.#measuring;
    return {
      ...(measuring !== undefined && { measuring }),
      ...(this.#isQuantized && { converting: all - (measuring ?? 0) }),
    };
  }
}
