import { runProcess } from '../process.ts';
import { benchCommand } from './command.ts';

await runProcess(benchCommand);
