import { expect, test } from 'vitest';
import { listCards } from '../../src/cli/cards.ts';
import { errorText, runCommand, type Surroundings } from '../../src/cli/command.ts';
import { listAdapters, openAdapter, parseAdapterList } from '../../src/cli/gpu.ts';
import { isSoftware } from '../../src/gpu/device.ts';
import { InputError, InternalError, NumericalError } from '../../src/util/errors.ts';

async function run(args: string[], signal = new AbortController().signal) {
  const out: string[] = [];
  const errors: string[] = [];
  const surroundings: Surroundings = {
    places: { cwd: '/nowhere', root: '/nowhere/repo' },
    version: '1.2.3',
    out: { write: (text) => void out.push(text), columns: undefined, colors: false, now: () => 0 },
    writeError: (text) => void errors.push(text),
    signal,
  };
  const exitCode = await runCommand(args, surroundings);
  return { exitCode, out: out.join(''), errors: errors.join('') };
}

test('--version and --help print and succeed', async () => {
  expect(await run(['--version'])).toEqual({ exitCode: 0, out: '1.2.3\n', errors: '' });
  const help = await run(['--help']);
  expect(help).toMatchObject({ exitCode: 0, errors: '' });
  expect(help.out).toMatch(/^Usage: npm run convert/);
});

test('wrong options end with code 1 and a message without a stack', async () => {
  const { exitCode, out, errors } = await run(['--bits', '1']);
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  expect(errors).toBe('Error: --bits must be a number from 2 to 8, not 1.\n');
});

test('an interrupted run ends with code 130 and says how to go on', async () => {
  const { exitCode, errors } = await run(['-i', 'missing'], AbortSignal.abort());
  expect(exitCode).toBe(130);
  expect(errors).toMatch(/same command again/);
});

test('--list-gpus lists the cards with their numbers, and the adapters', async () => {
  const adapters = await listAdapters();
  const cards = await listCards();
  expect(adapters.length).toBeGreaterThan(0);
  expect(cards.length).toBeGreaterThan(0);
  const text = await run(['--list-gpus']);
  expect(text).toMatchObject({ exitCode: 0, errors: '' });
  expect(text.out).toMatch(/^Cards, for --gpus:\n {2}0 {2}\S.*\n/);
  const listed = adapters.map(({ name, backend }) => `  ${name} (${backend})\n`).join('');
  expect(text.out.split('Adapters, for --gpu:\n')[1]).toBe(listed);
  const json = await run(['--list-gpus', '--json']);
  const lines = json.out.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([...cards, ...adapters]);
});

test('an adapter is opened by a part of its name', async () => {
  const [first] = await listAdapters();
  const { adapter, name, software } = await openAdapter(first!.name.slice(0, 6).toUpperCase());
  expect(name).toBe(first!.name);
  expect(adapter.limits.maxBufferSize).toBeGreaterThan(0);
  expect(software).toBe(isSoftware(name, adapter.info));
  const other = await openAdapter();
  expect((await listAdapters()).map((listed) => listed.name)).toContain(other.name);
});

test('a name that no adapter has is answered with the list', async () => {
  const [first] = await listAdapters();
  await expect(openAdapter('no such GPU')).rejects.toThrow(InputError);
  await expect(openAdapter('no such GPU')).rejects.toThrow(first!.name);
});

test("Dawn's list of adapters is read from its message", () => {
  const message =
    "Error: no suitable backends found\nAvailable adapters:\n * backend: 'd3d12', name: 'NVIDIA H100'\n * backend: 'vulkan', name: 'It's'";
  expect(parseAdapterList(message)).toEqual([
    { backend: 'd3d12', name: 'NVIDIA H100' },
    { backend: 'vulkan', name: "It's" },
  ]);
  expect(parseAdapterList('Error: other')).toEqual([]);
});

test('adapters in software are recognised', () => {
  expect(isSoftware('NVIDIA H100', { isFallbackAdapter: false })).toBe(false);
  expect(isSoftware('NVIDIA H100', { isFallbackAdapter: true })).toBe(true);
  expect(isSoftware('SwiftShader Device (Subzero)', { isFallbackAdapter: false })).toBe(true);
  expect(isSoftware('llvmpipe (LLVM 19.1.7, 256 bits)', { isFallbackAdapter: false })).toBe(true);
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test('only bugs show their stack', () => {
  expect(errorText(new NumericalError('no inverse'))).toBe('Error: no inverse');
  for (const bytes of [1e15, 1e16]) {
    const error = thrownBy(() => new Uint8Array(bytes));
    expect(errorText(error)).toMatch(
      /^Error: The computer's main memory does not suffice for this: \w.*\. End other programs/,
    );
  }
  expect(errorText(new RangeError('Maximum call stack size exceeded'))).toContain('cli-command.test');
  expect(errorText(new InternalError('oops'))).toMatch(/oops[\s\S]*cli-command\.test/);
  expect(errorText(new TypeError('x is undefined'))).toMatch(
    /TypeError: x is undefined[\s\S]*cli-command\.test/,
  );
});
