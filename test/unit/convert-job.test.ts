import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReadableDirectory, WritableDirectory } from '../../src/io/bytes.ts';
import { openModelDirectory } from '../../src/io/model/model-directory.ts';
import { handleError } from '../../src/io/platform/handle-errors.ts';
import { memoryDirectory } from '../../src/io/platform/memory-directory.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { workDirectory } from '../../src/io/work/work-directory.ts';
import { writeFile } from '../../src/io/write-file.ts';
import { dropJob, modelFingerprint, openJob } from '../../src/job/job.ts';
import { InputError } from '../../src/util/errors.ts';
import { entry, fileOf } from './io-fixtures.ts';

const INPUTS = { model: 'a1', bits: 4 };

describe('the fingerprint of a model', () => {
  const LARGE = 100_000;
  const HEADER = `{"a":${entry('U8', [2, LARGE / 2], [0, LARGE])},"b":${entry('U8', [3], [LARGE, LARGE + 3])}}`;

  /** Two tensors of zeros but for the byte `changed` of their data. */
  const model = (changed?: number): ReadableDirectory => {
    const weights = fileOf(HEADER, LARGE + 3);
    if (changed !== undefined) weights[8 + HEADER.length + changed] = 1;
    return memoryDirectory('model', { 'config.json': '{}', 'model.safetensors': weights });
  };
  const fingerprint = async (directory: ReadableDirectory) =>
    modelFingerprint(await openModelDirectory(directory));

  test('differs when weights are replaced by others of the same shapes', async () => {
    const places = [0, 1023, LARGE - 1024, LARGE - 1, LARGE, LARGE + 2];
    const all = await Promise.all([undefined, ...places].map((place) => fingerprint(model(place))));
    expect(new Set(all).size).toBe(1 + places.length);
    expect(await fingerprint(model())).toBe(all[0]);
  });

  test('reads little of the weights', async () => {
    let bytes = 0;
    const whole = model();
    const counted: ReadableDirectory = {
      ...whole,
      async open(path) {
        const source = (await whole.open(path))!;
        const read = (start: number, end: number) => {
          bytes += end - start;
          return source.read(start, end);
        };
        return path === 'model.safetensors' ? { name: path, size: source.size, read } : source;
      },
    };
    await fingerprint(counted);
    expect(bytes).toBeGreaterThan(2048);
    expect(bytes).toBeLessThan(4096);
  });
});

describe('a work directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'job-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['measurement.json', 'result.json', 'tensors/mine.safetensors', 'measured/a.json'])(
    'with %s of another program is refused and stays as it is',
    async (path) => {
      const directory = memoryDirectory('work', { 'notes.txt': 'mine', [path]: '{}' });
      const opened = openJob(workDirectory(directory), INPUTS);
      await expect(opened).rejects.toThrow(InputError);
      await expect(opened).rejects.toThrow(`The work directory work holds ${path}, but no job.json`);
      await dropJob(directory);
      expect((await directory.list()).map((file) => file.path).sort()).toEqual(['notes.txt', path].sort());
    },
  );

  /** Work directory with the files of a job with these inputs. */
  async function used(inputs = INPUTS) {
    const directory = memoryDirectory('work', { 'notes.txt': 'mine' });
    const work = workDirectory(directory);
    await openJob(work, inputs);
    await work.writeJson('measured/a.json', [1]);
    return directory;
  }
  const put = (directory: WritableDirectory, path: string, content: string) =>
    writeFile(directory, path, (sink) => sink.write(new TextEncoder().encode(content)));

  test.each([
    ['damaged', (directory: WritableDirectory) => put(directory, 'job.json', '{"model":')],
    ['gone', (directory: WritableDirectory) => directory.remove('job.json')],
    ['without its record', (directory: WritableDirectory) => directory.remove('job.json.checksum')],
    ['with a damaged record', (directory: WritableDirectory) => put(directory, 'job.json.checksum', '{')],
  ])('whose description is %s is known by its artefacts', async (_, damage) => {
    const directory = await used();
    await damage(directory);
    const other = openJob(workDirectory(directory), { ...INPUTS, bits: 5 });
    await expect(other).rejects.toThrow(
      /job\.json .* is damaged or has gone, and measured\/a\.json is of a job with other/,
    );
    const work = workDirectory(directory);
    await openJob(work, INPUTS);
    expect(await work.readJson('measured/a.json')).toEqual([1]);
    expect(await work.readJson('job.json')).toEqual(INPUTS);
  });

  test('whose description is damaged can be given to a new job as its message says', async () => {
    const directory = await used();
    await put(directory, 'job.json', '');
    await dropJob(directory);
    expect(await directory.list()).toEqual([{ path: 'notes.txt', size: 4 }]);
    await openJob(workDirectory(directory), { ...INPUTS, bits: 5 });
  });

  test('with a file of another program beside its own, and no description, says to move it', async () => {
    const directory = await used();
    await directory.remove('job.json');
    await put(directory, 'measurement.json', 'mine');
    const opened = openJob(workDirectory(directory), INPUTS);
    await expect(opened).rejects.toThrow('holds measurement.json, but no job.json');
    await expect(opened).rejects.toThrow('or move that file elsewhere');
    await directory.remove('measurement.json');
    await openJob(workDirectory(directory), INPUTS);
  });

  test('of another version is refused, and dropped when that is asked for', async () => {
    const files = {
      'job.json': '{"model":"a1","bits":4}',
      'measurement.json': '{}',
      'measured/a.json': '[]',
    };
    const directory = memoryDirectory('work', files);
    await expect(openJob(workDirectory(directory), INPUTS)).rejects.toThrow(
      /work holds a job of another version .* drop that job with --no_resume; to keep its measurement, copy/,
    );
    await dropJob(directory);
    await openJob(workDirectory(directory), INPUTS);
  });

  test('knows its artefacts in whatever order the inputs are', async () => {
    const work = workDirectory(await used());
    await openJob(work, { bits: 4, model: 'a1' });
    expect(await work.readJson('measured/a.json')).toEqual([1]);
  });

  test('with other files, or that is not there yet, is claimed', async () => {
    const directories = [
      memoryDirectory('work', { 'notes.txt': 'mine' }),
      nodeDirectory(join(folder, 'new')),
    ];
    for (const directory of directories) {
      const work = workDirectory(directory);
      await openJob(work, INPUTS);
      await work.writeJson('measurement.json', {});
      await openJob(work, INPUTS);
      expect(await work.readJson('job.json')).toEqual(INPUTS);
    }
  });

  test('of the browser that is not there yet is claimed', async () => {
    const memory = memoryDirectory('work');
    const list = () => Promise.reject(handleError(new DOMException('', 'NotFoundError'), 'read', 'work'));
    await openJob(workDirectory({ ...memory, list }), INPUTS);
    expect(await memory.open('job.json')).toBeDefined();
  });

  test('that cannot be listed is not taken for an empty one', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(workDirectory(nodeDirectory(join(folder, 'file'))).list()).rejects.toThrow(/ENOTDIR/);
    const list = () => Promise.reject(new InputError('Cannot read work: permission denied.'));
    const denied = openJob(workDirectory({ ...memoryDirectory('work'), list }), INPUTS);
    await expect(denied).rejects.toThrow('permission denied');
  });

  test('of a job with other inputs says how to keep its measurement', async () => {
    const work = workDirectory(memoryDirectory('work'));
    await openJob(work, INPUTS);
    const other = openJob(work, { ...INPUTS, bits: 5 });
    await expect(other).rejects.toThrow('bits: 4 then, 5 now');
    await expect(other).rejects.toThrow(
      'copy its measurement.json elsewhere and pass the copy with --measurement',
    );
  });
});

describe('a job that has only measured', () => {
  const measured = { ...INPUTS, measurement_rows: 'm' };
  const whole = { ...measured, quantization_rows: 'q' };

  test('goes on to quantize, and from then on with the same rows', async () => {
    const work = workDirectory(memoryDirectory('work'));
    await openJob(work, measured);
    await openJob(work, whole);
    expect(await work.readJson('job.json')).toEqual(whole);
    await openJob(work, measured);
    expect(await work.readJson('job.json')).toEqual(whole);
    await expect(openJob(work, { ...whole, quantization_rows: 'r' })).rejects.toThrow('"q" then, "r" now');
  });

  test('leaves what it has measured to the job that goes on, even where its description has gone', async () => {
    const directory = memoryDirectory('work');
    const work = workDirectory(directory);
    await openJob(work, measured);
    await work.writeJson('measured/a.json', [1]);
    await openJob(work, whole);
    await work.writeJson('measured/b.json', [2]);
    const readBoth = async (given: typeof measured) => {
      const again = workDirectory(directory);
      await openJob(again, given);
      return [await again.readJson('measured/a.json'), await again.readJson('measured/b.json')];
    };
    expect(await readBoth(whole)).toEqual([[1], [2]]);
    expect(await readBoth(measured)).toEqual([[1], [2]]);
    await directory.remove('job.json');
    const other = openJob(workDirectory(directory), { ...whole, quantization_rows: 'r' });
    await expect(other).rejects.toThrow('measured/b.json is of a job with other inputs');
    expect(await readBoth(whole)).toEqual([[1], [2]]);
  });

  test('is another one where it measured with other rows', async () => {
    const work = workDirectory(memoryDirectory('work'));
    await openJob(work, measured);
    const other = openJob(work, { ...whole, measurement_rows: 'n' });
    await expect(other).rejects.toThrow('measurement_rows: "m" then, "n" now');
  });
});

test('a job that is dropped loses its layers before its strategy, and its description last', async () => {
  const layers = ['hessians/a.safetensors', 'measured/a.json', 'tensors/a.safetensors'];
  const files = ['job.json', 'notes.txt', 'strategy.json', ...layers];
  const memory = memoryDirectory('work', Object.fromEntries(files.map((path) => [path, '{}'])));
  const removed: string[] = [];
  const watched: WritableDirectory = {
    ...memory,
    remove(path) {
      removed.push(path);
      return memory.remove(path);
    },
  };
  await dropJob(watched);
  expect(removed).toEqual([...layers, 'strategy.json', 'job.json']);
  expect(await memory.list()).toEqual([{ path: 'notes.txt', size: 2 }]);
});
