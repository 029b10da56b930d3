/** `npm run check`: every check that does not run the program; `check:types` and so on: those of one kind. */
import { runChecks, STATIC_CHECKS } from './checks.mjs';

const [kind] = process.argv.slice(2);
runChecks(kind === undefined ? Object.values(STATIC_CHECKS).flat() : STATIC_CHECKS[kind]);
