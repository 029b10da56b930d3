import { basename, dirname, join } from 'node:path';
import { type LayerRange, rangeText } from '../job/layer-range.ts';
import { InputError } from '../util/errors.ts';
import type { Places } from './options.ts';
import { pathBelow, realPath } from './path-inside.ts';
import { userPath } from './user-path.ts';

/** Below the repository. */
export const BUNDLED_MODEL = 'public/models/tinystories-7m';

/** Where a job reads and writes; absolute paths. */
export interface JobPlaces {
  readonly inDir: string;
  readonly outputDir: string;
  readonly workDir: string;
}

/** Paths as they were given. */
export interface GivenPlaces {
  readonly in_dir?: string | undefined;
  readonly compile_full?: string | undefined;
  readonly out_dir?: string | undefined;
}

/** The model's folder; without one the model that comes with the repository. */
export const modelFolder = (given: string | undefined, { cwd, root }: Places): string =>
  given === undefined ? join(root, BUNDLED_MODEL) : userPath(cwd, given);

/** E.g. `Qwen3-4B-4.0bpw`. */
export const jobName = (inDir: string, bits: number): string => `${basename(inDir)}-${bitsName(bits)}bpw`;

/** 4 → `4.0`, 4.125 → `4.125`. */
export const bitsName = (bits: number): string => (Number.isInteger(bits) ? bits.toFixed(1) : String(bits));

/** Of a job alone. Throws InputError when the folders lie in one another. */
export function jobPlaces(
  given: GivenPlaces,
  bits: number,
  places: Places,
  slice: LayerRange | undefined,
): JobPlaces {
  const { cwd, root } = places;
  const inDir = modelFolder(given.in_dir, places);
  const outputDir =
    given.compile_full === undefined
      ? join(root, 'out', jobName(inDir, bits))
      : userPath(cwd, given.compile_full);
  const workDir =
    given.out_dir === undefined
      ? join(dirname(outputDir), `.${basename(outputDir)}${sliceName(slice)}.work`)
      : userPath(cwd, given.out_dir);
  checkApart(['--in_dir', inDir], ['--compile_full', outputDir]);
  checkApart(['--in_dir', inDir], ['--out_dir', workDir]);
  checkApart(['--compile_full', outputDir], ['--out_dir', workDir]);
  return { inDir, outputDir, workDir };
}

/** Slices that are measured at the same time on one file system must not share a work directory. */
const sliceName = (slice: LayerRange | undefined): string =>
  slice === undefined ? '' : `-layers-${rangeText(slice)}`;

/**
 * Directories inside one another would be copied into, or dropped with, each other; also where links lead there.
 * Throws InputError.
 */
export function checkApart(
  [nameA, a]: readonly [string, string],
  [nameB, b]: readonly [string, string],
): void {
  // By name as well: a model's folder is read with all that links in it lead to.
  if (!overlap(a, b) && !overlap(realPath(a), realPath(b))) return;
  throw new InputError(
    `${nameA} ${a} and ${nameB} ${b} must not be the same nor lie in one another: choose another place.`,
  );
}

const overlap = (a: string, b: string): boolean =>
  pathBelow(a, b) !== undefined || pathBelow(b, a) !== undefined;
