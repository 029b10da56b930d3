import { type Measurement, measurementToJson } from '../../measurement/measurement-json.ts';
import { candidateBits, candidatesOf } from '../../measurement/module-candidates.ts';
import { moduleWeights } from '../../model/sizes.ts';
import type { ModelPlan } from '../../model/spec.ts';

/** A measurement.json in which errors halve with every bit, for quantizing without having measured. */
export function madeUpMeasurement({ choices }: ModelPlan): unknown {
  const measurement: Measurement = {
    modules: new Map(
      choices.map((choice) => [
        choice.key,
        candidatesOf(choice, 'exllamav2').map((params) => {
          const totalBits = candidateBits(choice, params);
          return { accuracy: 1 - 2 ** (-totalBits / moduleWeights(choice)), totalBits, params };
        }),
      ]),
    ),
  };
  return measurementToJson(measurement);
}
