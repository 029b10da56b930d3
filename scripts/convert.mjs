/** `npm run convert`: makes the machine ready, builds the command line when its sources changed, and runs it. */
import { isGiven, runProgram } from './run-program.mjs';

/** Nothing is installed for what computes nothing. */
function neededAdapter(args) {
  if (isGiven(args, '-h', '--help', '--version')) return 'none';
  return isGiven(args, '--dry-run', '--list-gpus') ? 'find' : 'install';
}

await runProgram('main.js', 'convert', neededAdapter);
