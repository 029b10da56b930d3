/** The text that models are compared on, as token rows. */

import { readText } from '../../calibrate/text/text-file.ts';
import { documentRows, splitDocuments } from '../../evaluate/text-rows.ts';
import type { TokenRows } from '../../evaluate/token-statistics.ts';
import { refusePointer } from '../../io/model/mistaken-files.ts';
import { nodeModelDirectory } from '../../io/platform/node/node-model-directory.ts';
import { InputError } from '../../util/errors.ts';
import { builtInText } from '../calibration.ts';
import { endableTokenizer } from '../endable.ts';
import { openFile } from '../open-file.ts';
import { userPath } from '../user-path.ts';

/** States of rows lie on the GPU at multiples of 256 bytes. */
const LENGTH_MULTIPLE = 32;

export const TEXT_OPTION = {
  type: 'string',
  description:
    'Text file, documents separated by <|endoftext|> (default: the held-out text of the calibration mix).',
} as const;
export const ROWS_OPTION = { type: 'number', default: 20, description: 'Rows of tokens, at most.' } as const;
export const LENGTH_OPTION = {
  type: 'number',
  default: 512,
  description: 'Tokens of a row, a multiple of 32.',
} as const;

/** Values with the names of their options. Throws InputError. */
export function checkShape({
  rows: [rowsOption, rows],
  length: [lengthOption, length],
}: Readonly<Record<'rows' | 'length', readonly [option: string, value: number]>>): void {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new InputError(`${rowsOption} is ${rows}; expected a whole number from 1.`);
  if (!Number.isSafeInteger(length) || length < LENGTH_MULTIPLE || length % LENGTH_MULTIPLE !== 0) {
    throw new InputError(`${lengthOption} is ${length}; expected a multiple of ${LENGTH_MULTIPLE}.`);
  }
}

export interface TextChoice {
  /** Path of the file; undefined: the held-out text of the calibration mix. */
  readonly text: string | undefined;
  /** At most. */
  readonly rows: number;
  /** Tokens of a row. */
  readonly length: number;
}

/**
 * Rows of the text in the tokens of the model in folder `model`.
 * @throws InputError for a file that is not there or not long enough for one row.
 */
export async function textRows(
  model: string,
  { text, rows, length }: TextChoice,
  cwd: string,
  signal: AbortSignal,
): Promise<TokenRows> {
  const tokenizer = await endableTokenizer(signal)(nodeModelDirectory(model));
  if (text === undefined) {
    const { heldOut } = await builtInText();
    return documentRows(
      'The held-out text',
      heldOut.map((document) => document.text),
      tokenizer,
      length,
      rows,
    );
  }
  const source = await openFile(userPath(cwd, text));
  await refusePointer(source);
  let whole = '';
  for await (const piece of readText(source)) whole += piece;
  const documents = splitDocuments(whole);
  return documentRows(source.name, documents, tokenizer, length, rows);
}
