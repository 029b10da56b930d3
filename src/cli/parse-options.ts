import { parseArguments } from './arguments.ts';
import { checkedOptions } from './option-values.ts';
import type { CliRequest, Places } from './options.ts';
import { parseQueue } from './queue/parse-queue.ts';

const DEFAULT_BITS = 4;

/** The arguments after the program's name. Throws InputError with a message that says what to write instead. */
export function parseOptions(args: readonly string[], places: Places): CliRequest {
  const given = parseArguments(args);
  if (given.help) return { action: 'help' };
  if (given.version) return { action: 'version' };
  if (given['list-gpus']) return { action: 'list-gpus', json: given.json ?? false };
  const { in_dir: models = [undefined], bits = [DEFAULT_BITS] } = given;
  if (models.length * bits.length > 1)
    return { action: 'queue', queue: parseQueue(given, { models, bits }, places) };
  return {
    action: 'convert',
    options: checkedOptions({ ...given, in_dir: models[0], bits: bits[0]! }, places),
  };
}
