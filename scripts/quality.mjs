/** `npm run quality`: makes the machine ready, builds the command line when its sources changed, and runs it. */
import { isGiven, runProgram } from './run-program.mjs';

await runProgram('quality.js', 'quality', (args) => (isGiven(args, '-h', '--help') ? 'none' : 'install'));
