import { runProcess } from '../process.ts';
import { lessonsCommand } from './command.ts';

await runProcess(lessonsCommand);
