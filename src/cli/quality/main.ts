import { runProcess } from '../process.ts';
import { qualityCommand } from './command.ts';

await runProcess(qualityCommand);
