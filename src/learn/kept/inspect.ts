/** What a job's artefacts say of one linear: read and unpacked on the CPU. */

import { takeColumns } from '../../exl2/packed-columns.ts';
import { COLUMN_MULTIPLE, PACKED_TENSORS, packedGroups, readPackedLinear } from '../../exl2/packed-linear.ts';
import { invertPermutation, unpackScales } from '../../exl2/packing.ts';
import type { TensorSource } from '../../io/model/tensor-source.ts';
import type { WorkDirectory } from '../../io/work/work-directory.ts';
import { ARTEFACT } from '../../job/artefacts.ts';
import { readSummary } from '../../measurement/hessian-summary.ts';
import type { LinearSpec, ModelSpec, ModuleSpec } from '../../model/spec.ts';
import { unpackCodes } from '../../reference/pack/bit-stream.ts';
import { codeValue, workingScale } from '../../reference/pack/values.ts';
import type { HostTensor } from '../../tensor/dtype.ts';
import { InputError } from '../../util/errors.ts';
import {
  type HeardInput,
  type InspectedLinear,
  type LinearPlace,
  MOST_COLUMNS,
  type RoundedLinear,
  shownPlaces,
} from './inspected.ts';
import { originalOutputs } from './original-outputs.ts';

/** Where a job has what is read. */
export interface InspectedJob {
  readonly plan: Pick<ModelSpec, 'modules'>;
  /** Work directories of the measurement and of a bitrate; they may be the same. */
  readonly measured: WorkDirectory;
  readonly quantized: WorkDirectory;
}

/** What tells how a linear was rounded, beside the work directory of the bitrate. */
export interface RoundedFiles {
  /** The bitrate's output, where it is finished and can be read: its work directory has no tensors then, or soon. */
  readonly output?: Pick<TensorSource, 'read'>;
  /** The original's weights, where they can be read. */
  readonly source?: TensorSource;
}

/** @param files where they are missing, how it was rounded is left out. @throws InputError when the model has no such linear. */
export async function inspectLinear(
  job: InspectedJob,
  place: LinearPlace,
  files?: RoundedFiles,
): Promise<InspectedLinear> {
  const { module, linear } = findLinear(job.plan, place);
  const { key, k, n } = linear;
  const heard =
    (await readHeard(job.quantized, 'quantize', module, linear)) ??
    (await readHeard(job.measured, 'measure', module, linear));
  const rounded = files && (await readRounded(job.quantized, files, module, linear));
  return { key, k, n, ...(heard && { heard }), ...(rounded && { rounded }) };
}

function findLinear({ modules }: InspectedJob['plan'], { module: choice, name }: LinearPlace) {
  for (const module of modules.filter((each) => each.choice === choice)) {
    const linear = module.linears.find(({ paramsName }) => paramsName === name);
    if (linear) return { module, linear };
  }
  throw new InputError(`The model of this conversion has no linear ${choice}.${name}.`);
}

async function readHeard(
  work: WorkDirectory,
  stage: HeardInput['stage'],
  { key }: ModuleSpec,
  { input }: LinearSpec,
): Promise<HeardInput | undefined> {
  const file = await work.openTensors(ARTEFACT.hessians(key));
  return file && { stage, ...(await readSummary(file, input)) };
}

async function readRounded(
  quantized: WorkDirectory,
  { output, source }: RoundedFiles,
  { key }: ModuleSpec,
  linear: LinearSpec,
): Promise<RoundedLinear | undefined> {
  const file = output ?? (await quantized.openTensors(ARTEFACT.tensors(key)));
  if (!file) return undefined;
  const rounded = await unpackShown(file, linear);
  if (!source) return rounded;
  const { columns, inputs } = rounded;
  const weight = await originalOutputs(source, linear, columns);
  const original = Float32Array.from(
    { length: inputs.length * columns },
    (_, at) => weight[(at % columns) * linear.k + inputs[Math.floor(at / columns)]!]!,
  );
  return { ...rounded, original };
}

/** The rows and columns that are shown, from the tensors as the output has them. */
async function unpackShown(
  file: Pick<TensorSource, 'read'>,
  { key, k, n }: LinearSpec,
): Promise<RoundedLinear> {
  const tensors = new Map<string, HostTensor>();
  for (const [, name] of PACKED_TENSORS) tensors.set(`${key}.${name}`, await file.read(`${key}.${name}`));
  const packed = readPackedLinear(key, (name) => tensors.get(name));
  const groups = packedGroups(key, packed);
  const first = takeColumns(packed, 0, COLUMN_MULTIPLE);
  const codes = unpackCodes(first.qWeight, COLUMN_MULTIPLE, groups);
  const scaleCodes = unpackScales(first.qScale);
  const [columns, places] = [Math.min(MOST_COLUMNS, n), shownPlaces(k)];
  const size = places.length * columns;
  const shown = { codes: new Uint8Array(size), scaleCodes: new Uint8Array(size) };
  const made = { scales: new Float32Array(size), values: new Float32Array(size) };
  for (const [i, row] of places.entries()) {
    const group = groups.findIndex(({ end }) => row < end);
    for (let column = 0; column < columns; column++) {
      const at = i * columns + column;
      const code = codes[row * COLUMN_MULTIPLE + column]!;
      const scaleCode = scaleCodes[group * COLUMN_MULTIPLE + column]!;
      const scale = workingScale(scaleCode, packed.qScaleMax[group]!);
      shown.codes[at] = code;
      shown.scaleCodes[at] = scaleCode;
      made.scales[at] = scale;
      made.values[at] = codeValue(code, groups[group]!.bits, scale);
    }
  }
  const order = invertPermutation(packed.qInvPerm);
  return { columns, groups, places, inputs: places.map((row) => order[row]!), ...shown, ...made };
}
