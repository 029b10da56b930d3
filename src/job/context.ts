import type { Speeds } from '../autotune/measure-speeds.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ModelDirectory } from '../io/model/model-directory.ts';
import type { WorkDirectory } from '../io/work/work-directory.ts';
import type { StateStore } from '../model/gpu/states/state-store.ts';
import type { ModelPlan } from '../model/spec.ts';
import type { Control } from './control.ts';
import type { Emit } from './events.ts';
import type { QuantizerSettings } from './settings.ts';

/** What every stage works with. */
export interface StageContext {
  readonly gpu: Gpu;
  readonly source: ModelDirectory;
  readonly plan: ModelPlan;
  readonly work: WorkDirectory;
  /** Where calibration states go that the GPU has no room for. */
  readonly stateStore: StateStore;
  readonly quantizer: QuantizerSettings;
  readonly emit: Emit;
  readonly control: Control;
  /** Of the GPU's products; undefined where memory did not suffice to measure them. */
  readonly speeds: Speeds | undefined;
}
