import type { JobPlan } from '../../../workers/api/options.ts';
import { formatBytes, formatRoughDuration } from '../format.ts';
import { Term } from './term.tsx';

/** Where the calibration states will be, and what that costs. */
export function PlanStates({ states }: Pick<JobPlan, 'states'>) {
  const { gpuBytes, memoryBytes, diskBytes, diskSeconds } = states;
  const places = [
    ...(gpuBytes > 0 ? [`${formatBytes(gpuBytes)} on the GPU`] : []),
    ...(memoryBytes > 0 ? [`${formatBytes(memoryBytes)} in main memory`] : []),
    ...(diskBytes > 0 ? [`${formatBytes(diskBytes)} on disk`] : []),
  ];
  if (places.length === 0) return null;
  return (
    <p class="note">
      <Term of="calibration states">Calibration states</Term>: {places.join(', ')}
      {diskBytes > 0 && `, which takes at most ${formatRoughDuration(diskSeconds)} more at 1 GB/s`}.
    </p>
  );
}
