/** What a job tells while it works, kept in the browser's storage so that the page can replay it. */

import type { WritableDirectory } from '../src/io/bytes.ts';
import { readJsonFile } from '../src/io/json/json.ts';
import { storageDirectory } from '../src/io/platform/storage/storage.ts';
import { writeFile } from '../src/io/write-file.ts';
import type { PackedRecording } from '../src/job/recording/packed.ts';
import { Recorder } from '../src/job/recording/recorder.ts';
import { InputError } from '../src/util/errors.ts';
import type { RunMessage } from './gpu-api.ts';
import { STORED } from './places.ts';

const FILE = 'recording.json';
/** Rates are told every second: after a longer silence the computer had slept. */
const MOST_SILENCE_MS = 60_000;

/** Undefined when it is not there, or damaged. */
async function kept(folder: WritableDirectory): Promise<PackedRecording | undefined> {
  const file = await folder.open(FILE);
  return file && ((await readJsonFile(file).catch(() => undefined)) as PackedRecording | undefined);
}

/** Throws InputError when it is not there. */
export async function readRecording(id: string): Promise<PackedRecording> {
  const recording = await kept(await storageDirectory(STORED.recording(id)));
  if (recording) return recording;
  throw new InputError(
    'Of this conversion nothing is recorded: it has not begun, or the browser has cleared what it had kept.',
  );
}

/** Of a job that begins or goes on. */
export const openRecorder = async (id: string): Promise<JobRecorder> =>
  JobRecorder.open(await storageDirectory(STORED.recording(id)));

/**
 * Records a job from its start, or on from where its last finished module was recorded: what the job itself goes on
 * from. Its clock stands still while the job is paused or the computer sleeps.
 */
export class JobRecorder {
  readonly #folder: WritableDirectory;
  readonly #recorder: Recorder;
  /** Milliseconds of work since the start. */
  #time: number;
  /** When the last message came, in milliseconds. */
  #last: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isDue = false;

  private constructor(folder: WritableDirectory, recorder: Recorder) {
    this.#folder = folder;
    this.#recorder = recorder;
    this.#time = recorder.time;
  }

  static async open(folder: WritableDirectory): Promise<JobRecorder> {
    return new JobRecorder(folder, new Recorder(await kept(folder)));
  }

  /** @param now of a clock, in milliseconds */
  see(message: RunMessage, bits: number | undefined, isPaused: boolean, now = performance.now()): void {
    if (!isPaused) this.#time += Math.min(now - (this.#last ?? now), MOST_SILENCE_MS);
    this.#last = now;
    if (message.type !== 'events') return;
    this.#recorder.add(this.#time, bits, message.events);
    if (message.events.some(({ type }) => type === 'module')) this.#keep();
  }

  /** Resolves when all is kept. */
  async close(): Promise<void> {
    this.#keep();
    await this.#writing;
  }

  #keep(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#writing = this.#writing.then(async () => {
      this.#isDue = false;
      const bytes = new TextEncoder().encode(JSON.stringify(this.#recorder.recording));
      // The job goes on without it: a disk may be full.
      await writeFile(this.#folder, FILE, (sink) => sink.write(bytes)).catch(() => {});
    });
  }
}
