import { parseArguments } from './arguments.ts';
import { checkedOptions } from './option-values.ts';
import type { CliRequest, Places } from './options.ts';

/** The arguments after the program's name. Throws InputError with a message that says what to write instead. */
export function parseOptions(args: readonly string[], places: Places): CliRequest {
  const given = parseArguments(args);
  if (given.help) return { action: 'help' };
  if (given.version) return { action: 'version' };
  if (given['list-gpus']) return { action: 'list-gpus', json: given.json ?? false };
  return { action: 'convert', options: checkedOptions(given, places) };
}
