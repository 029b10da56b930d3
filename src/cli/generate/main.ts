import { runProcess } from '../process.ts';
import { generateCommand } from './command.ts';

await runProcess(generateCommand);
