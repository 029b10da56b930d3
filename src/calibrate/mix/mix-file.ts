import type { ByteSource } from '../../io/bytes.ts';
import { parseJson } from '../../io/json/json.ts';
import { sha256 } from '../../util/digest.ts';
import { InputError } from '../../util/errors.ts';
import { MIX_SHA256 } from './mix-checksum.ts';
import type { Category } from './mix-plan.ts';

/** A text of the mix and where it is from. */
export interface MixDocument {
  readonly text: string;
  /** Name of one of the mix's sources. */
  readonly source: string;
}

/** What texts were taken from. */
export interface MixSource {
  readonly name: string;
  /** The package of npm or PyPI that it is in; undefined: of the same name. */
  readonly package?: string;
  readonly version: string;
  /** SPDX expression for what was taken. */
  readonly licence: string;
  /** The licence's text or the attribution where copies are to carry it. */
  readonly notice?: string;
}

/** The built-in calibration text. */
export interface CalibrationMix {
  readonly sources: readonly MixSource[];
  readonly categories: Readonly<Record<Category, readonly MixDocument[]>>;
  /** Texts that no calibration row is made of, to evaluate with; some of every category. */
  readonly heldOut: readonly (MixDocument & { readonly category: Category })[];
}

/**
 * The text in data/calibration.bin: JSON in gzip.
 * @param remedy what the user can do when the file is not this version's, as a sentence
 * @throws InputError when its checksum is another
 */
export async function readMix(source: ByteSource, remedy: string): Promise<CalibrationMix> {
  const bytes = await source.read(0, source.size);
  const found = await sha256(bytes);
  if (found !== MIX_SHA256) {
    throw new InputError(
      `${source.name} is not this version's calibration text: its SHA-256 is ${found}, expected ${MIX_SHA256}. ${remedy}`,
    );
  }
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return parseJson(await new Response(unpacked).text(), source.name) as unknown as CalibrationMix;
}
