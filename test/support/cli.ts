import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConvertEvent } from '../../src/job/events.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURES = join(root, 'test/fixtures/golden/architectures');

/** Few short rows of own data: a conversion of a tiny model takes seconds. */
export const FEW_ROWS = [
  ...['-c', join(root, 'test/fixtures/calibration/cal_small.parquet')],
  ...['-r', '3', '-l', '32', '-mr', '2', '-ml', '32'],
];

/** Builds the command line when its sources have changed. */
export function buildCli(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/convert.mjs'), '--version']);
  if (status !== 0) throw new Error(`Building the command line failed: ${stderr}`);
}

/** A temporary directory for one test file, and how to remove it. */
export function temporaryDirectory(name: string) {
  const path = mkdtempSync(join(tmpdir(), `${name} `));
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

/** Puts a tiny model and its tokenizer into a new folder. */
export function assembleModel(architecture: string, folder: string): string {
  mkdirSync(folder);
  for (const name of ['config.json', 'model.safetensors'])
    copyFileSync(join(FIXTURES, architecture, name), join(folder, name));
  cpSync(join(FIXTURES, 'tokenizer'), folder, { recursive: true });
  return folder;
}

export interface CliResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly events: readonly ConvertEvent[];
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the built command line with `--json`.
 * @param onEvent what to do when an event comes, e.g. end the process.
 */
export async function runCli(
  args: readonly string[],
  onEvent: (event: ConvertEvent, process: ChildProcess) => void = () => {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), '--json', ...args]);
  const lines: string[] = [];
  const events: ConvertEvent[] = [];
  const reading = createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    const event = JSON.parse(line) as ConvertEvent;
    events.push(event);
    onEvent(event, child);
  });
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const [code] = await Promise.all([
    new Promise<number | null>((resolve) => child.on('close', resolve)),
    new Promise((resolve) => reading.on('close', resolve)),
  ]);
  return { code: code ?? undefined, events, stdout: lines.join('\n'), stderr };
}

/** What the stages did, e.g. `measure reused`. */
export const stagesOf = ({ events }: CliResult): string[] =>
  events.flatMap((event) =>
    event.type === 'stage' && event.state !== 'started' ? [`${event.stage} ${event.state}`] : [],
  );

/** The files of a folder with their contents as hex; not the report, which has times in it. */
export function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries
    .filter(({ name }) => name !== 'report.html')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    paths.map((path) => [path.slice(folder.length + 1), readFileSync(path).toString('hex')]),
  );
}
