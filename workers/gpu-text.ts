import type { ReadableDirectory } from '../src/io/bytes.ts';
import type { TextEvent } from './api/texts.ts';
import { EventBatch } from './event-batch.ts';
import type { GpuText, GpuTextListener } from './gpu-api.ts';
import { openOutput, openSource } from './places.ts';
import type { TextWriter } from './text-writer.ts';

/** Continues a prompt with a job's model, and tells of it in batches. */
export async function writeText(writer: TextWriter, text: GpuText, listener: GpuTextListener): Promise<void> {
  const events = new EventBatch<TextEvent>(['loading', 'run', 'speed'], listener);
  const { side, request, gpuBudgetBytes } = text;
  const draft = text.side === 'original' ? text.draft : undefined;
  const open = () => openModel(text);
  try {
    await writer.write(
      { side, key: keyOf(text), open, request, gpuBudgetBytes, ...(draft && { draft }) },
      events.add,
    );
  } finally {
    await events.flush();
  }
}

const keyOf = (text: GpuText): string =>
  text.side === 'original' ? text.id : `${text.id}, ${text.bits} bits per weight`;

const openModel = (text: GpuText): Promise<ReadableDirectory> | ReadableDirectory =>
  text.side === 'original'
    ? openSource(text.source)
    : openOutput(text.output, text.id, text.modelName, text.bits);
