import { runProcess } from '../process.ts';
import { mergeCommand } from './command.ts';

await runProcess(mergeCommand);
