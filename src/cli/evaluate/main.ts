import { runProcess } from '../process.ts';
import { evaluateCommand } from './command.ts';

await runProcess(evaluateCommand);
