import type { ByteSource } from '../../io/bytes.ts';
import { isJsonObject, parseJson } from '../../io/json/json.ts';
import { InputError } from '../../util/errors.ts';
import { type PassedOver, passRow } from './passed-over.ts';
import { recordText } from './record-text.ts';
import { readText } from './text-file.ts';

/** The texts of a JSON-lines file, one a line. Throws InputError with the line's number. */
export async function* readJsonLines(source: ByteSource, passed: PassedOver): AsyncGenerator<string> {
  let lineNumber = 0;
  for await (const piece of readText(source)) {
    // A piece ends with its last line's end, which starts no line of its own.
    for (const line of piece.replace(/\n$/, '').split('\n')) {
      lineNumber++;
      if (!line.trim()) continue;
      const record = parseJson(line, `${source.name}, line ${lineNumber}`);
      if (!isJsonObject(record)) {
        throw new InputError(`${source.name}, line ${lineNumber} has no object; each line is one.`);
      }
      const text = recordText(record, passed);
      if (text === undefined) passRow(passed, `line ${lineNumber}`, Object.keys(record));
      else yield text;
    }
  }
}
