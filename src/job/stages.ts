/** The stages of a conversion in their order, as people are told of them. */
export const STAGE_TITLES = {
  calibrate: 'Calibration data',
  measure: 'Measurement',
  optimize: 'Allocation',
  quantize: 'Quantization',
  compile: 'Output',
  evaluate: 'Evaluation',
} as const;

export type StageName = keyof typeof STAGE_TITLES;

export const STAGES = Object.keys(STAGE_TITLES) as readonly StageName[];
