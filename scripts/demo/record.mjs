/**
 * The first half of the demo's recording: converts the bundled model with the command line that is built in dist/cli,
 * and keeps what it says, line by line with its time, then what both models write.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../shell.mjs';

export const BITS = 4;
const MODEL = join(root, 'public/models/tinystories-7m');
const PROMPT = 'Once upon a time, in a small village by the sea, there lived';

/** Lines of a program of dist/cli with the milliseconds since its start. Throws when it fails. */
async function linesOf(file, args) {
  const started = performance.now();
  const program = spawn(process.execPath, [join(root, 'dist/cli', file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => program.on('close', resolve));
  const lines = [];
  for await (const line of createInterface({ input: program.stdout }))
    lines.push({ t: Math.round(performance.now() - started), event: JSON.parse(line) });
  const code = await ended;
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return lines;
}

/** @param {string} folder where the recording goes: events.jsonl and recorded.json */
export async function record(folder) {
  mkdirSync(folder, { recursive: true });
  const [work, output] = [join(folder, 'work'), join(folder, 'model')];
  for (const path of [work, output]) rmSync(path, { recursive: true, force: true });
  const bits = ['-b', String(BITS)];
  const lines = await linesOf('main.js', ['-i', MODEL, '-o', work, '-cf', output, ...bits, '--json']);
  const files = readdirSync(output).map((path) => ({ path, size: statSync(join(output, path)).size }));
  const text = async (model) => {
    const args = ['--model', model, '--prompt', PROMPT, '--max-tokens', '80', '--json'];
    return (await linesOf('generate.js', args))[0].event;
  };
  const texts = { original: await text(MODEL), quantized: await text(output) };
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(join(folder, 'recorded.json'), JSON.stringify({ date, files, texts }));
  writeFileSync(join(folder, 'events.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
