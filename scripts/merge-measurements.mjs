/** `npm run merge-measurements`: builds the command line when its sources changed, and runs it. */
import { runProgram } from './run-program.mjs';

await runProgram('merge.js', 'merge-measurements', () => 'none');
