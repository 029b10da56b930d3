import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { root, runProcess } from './process.ts';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
await runProcess((args, surroundings) => runCommand(args, { ...surroundings, version }));
