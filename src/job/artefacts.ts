import { recordedPath } from '../io/work/work-directory.ts';

/** Paths of a job's artefacts in its work directory. */
export const ARTEFACT = {
  job: 'job.json',
  measurementRows: 'cal_measure.safetensors',
  quantizationRows: 'cal_quant.safetensors',
  /** Of which model all weights have been looked at. */
  checked: 'checked.json',
  measurement: 'measurement.json',
  /** What was measured of some layers only. */
  slice: 'slice.json',
  measuredModule: (key: string) => `measured/${key}.json`,
  strategy: 'strategy.json',
  /** What is kept of a module's Hessians, to be looked at: outputs are not made of it. */
  hessians: (key: string) => `hessians/${key}.safetensors`,
  tensors: (key: string) => `tensors/${key}.safetensors`,
  result: 'result.json',
  /** What the original makes of the rows that the result is judged by. */
  referenceStates: 'reference.safetensors',
  evaluation: 'evaluation.json',
  /** Where the output goes, once it has been begun. */
  output: 'output.json',
} as const;

const NAMES: ReadonlySet<string> = new Set(
  Object.values(ARTEFACT).filter((path) => typeof path === 'string'),
);

/** Whether a file in a work directory is what was measured of a module. */
export const isMeasuredModule = (path: string): boolean => /^measured\/.*\.json$/.test(path);

/** Whether a file in a work directory is what is kept of Hessians, or the record of it. */
export const isHessians = (path: string): boolean => /^hessians\//.test(path);

/** Whether a file in a work directory is a job's, or the record of one. */
export const isArtefact = (path: string): boolean =>
  NAMES.has(recordedPath(path) ?? path) || isHessians(path) || /^(measured|tensors)\//.test(path);
