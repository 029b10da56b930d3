import type { ByteSink, WritableDirectory } from './bytes.ts';
import { formatJson } from './json/json.ts';

/** Where files can be made. */
type Destination = Pick<WritableDirectory, 'create'>;

/** Creates a file, lets `fill` write it and closes it. On any error nothing appears, and the error is passed on. */
export async function writeFile(
  directory: Destination,
  path: string,
  fill: (sink: ByteSink) => Promise<void>,
): Promise<void> {
  const sink = await directory.create(path);
  try {
    await fill(sink);
    await sink.close();
  } catch (error) {
    await sink.abort().catch(() => {}); // the first error is the one that tells
    throw error;
  }
}

/** Writes `value` as indented JSON with a newline at the end. */
export async function writeJsonFile(directory: Destination, path: string, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${formatJson(value)}\n`);
  await writeFile(directory, path, (sink) => sink.write(bytes));
}
