import type { JobRecord } from '../../../workers/api/jobs.ts';
import { type Batch, type PackedRecording, unpackBatches } from '../../job/recording/packed.ts';

/** A conversion as it was. */
export interface Recording {
  /** Of the job before it begins. */
  readonly record: JobRecord;
  readonly batches: readonly Batch[];
  /** Of the job when all is played. */
  readonly end: JobRecord;
}

/** Of a job of this browser. */
export const jobRecording = (end: JobRecord, packed: PackedRecording): Recording => ({
  record: { ...end, state: 'running', measured: false, results: [] },
  batches: unpackBatches(packed),
  end,
});
