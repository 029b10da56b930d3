import { expect, test } from 'vitest';
import { benchCommand } from '../../src/cli/bench/command.ts';
import type { Surroundings } from '../../src/cli/command.ts';
import { evaluateCommand } from '../../src/cli/evaluate/command.ts';
import { generateCommand } from '../../src/cli/generate/command.ts';

async function run(command: typeof generateCommand, args: string) {
  const errors: string[] = [];
  const process: Omit<Surroundings, 'version'> = {
    places: { cwd: '/nowhere', root: '/nowhere/repo' },
    out: { write: () => {}, columns: undefined, colors: false, now: () => 0 },
    writeError: (text) => void errors.push(text),
    signal: new AbortController().signal,
  };
  return { code: await command(args.split(' '), process), errors: errors.join('') };
}

test.each([
  ['--max-tokens abc', '--max-tokens is NaN; expected a whole number from 1.'],
  ['--max-tokens -3', '--max-tokens is -3; expected a whole number from 1.'],
  ['--max-tokens 2.5', '--max-tokens is 2.5; expected a whole number from 1.'],
  ['--temperature abc', 'The temperature is NaN; expected 0 (always the most likely token) to 100.'],
  ['--prompt b', '--prompt is given 2 times, but takes one value: leave the others out.'],
  ['--model b --model c', '--model is given 3 times, but takes one value: leave the others out.'],
  ['--seed 1 --seed 2', '--seed is given 2 times, but takes one value: leave the others out.'],
  ['--gpu a --gpu b', '--gpu is given 2 times, but takes one value: leave the others out.'],
])('generate refuses %s', async (args, message) => {
  expect(await run(generateCommand, `--model a --prompt a ${args}`)).toEqual({
    code: 1,
    errors: `Error: ${message}\n`,
  });
});

test.each([
  ['--ref b', '--ref is given 2 times, but takes one value: leave the others out.'],
  ['--text a --text b', '--text is given 2 times, but takes one value: leave the others out.'],
  // Several models are a list.
  ['--model b --model c --rows 0', '--rows is 0; expected a whole number from 1.'],
])('evaluate refuses %s', async (args, message) => {
  expect(await run(evaluateCommand, `--ref a --model a ${args}`)).toEqual({
    code: 1,
    errors: `Error: ${message}\n`,
  });
});

test('bench refuses an option that is given twice', async () => {
  expect(await run(benchCommand, '--shape llama-1b --shape llama-8b')).toEqual({
    code: 1,
    errors: 'Error: --shape is given 2 times, but takes one value: leave the others out.\n',
  });
});
