import { formatByteSize } from '../../util/text/byte-size.ts';

/**
 * Does `work` so many times in a row, and tells of this process's memory after each: what grows with every time is
 * never given back.
 */
export async function soak<T>(
  times: number,
  work: () => Promise<T>,
  print: (line: string) => void,
): Promise<T> {
  for (let time = 1; ; time++) {
    const result = await work();
    if (times > 1) print(`${time} of ${times}: ${memoryText()}`);
    if (time >= times) return result;
  }
}

function memoryText(): string {
  globalThis.gc?.(); // with node --expose-gc
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const size = formatByteSize;
  return `process ${size(rss)}, heap ${size(heapUsed)}, array buffers ${size(arrayBuffers)}`;
}
