/** Measured speeds, kept from one start to the next. */

import type { Gpu } from '../gpu/gpu.ts';
import { gemm } from '../kernels/gemm/gemm.ts';
import { gemmSubgroupMatrix } from '../kernels/gemm/gemm_subgroup_matrix.ts';
import { gemmTiled } from '../kernels/gemm/gemm_tiled.ts';
import { gemmWide } from '../kernels/gemm/gemm_wide.ts';
import { gramSubgroupMatrix } from '../kernels/gram/gram_subgroup_matrix.ts';
import { gramTiled } from '../kernels/gram/gram_tiled.ts';
import { digestOf } from '../util/digest.ts';
import type { Speeds } from './measure-speeds.ts';
import type { Precision } from './precision.ts';

/** Keeps values by key, as well as it can: what is lost is measured again, so it never throws. */
export interface SpeedStore {
  /** What was written last, or anything else: it is checked. Undefined when there is nothing. */
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
}

/** Measured anew after a week: another program may have had the GPU at the time. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

/** Other texts of these make other speeds. */
const KERNELS = [gemm, gemmTiled, gemmWide, gemmSubgroupMatrix, gramTiled, gramSubgroupMatrix];

/** What is kept of one adapter; `kernels` tells their version. */
interface Entry {
  readonly kernels: string;
  /** Milliseconds since 1970. */
  readonly measured: number;
  readonly speeds: Speeds;
}

/** The speeds that were measured with these kernels on this adapter, driver and precision, if that is not long ago. */
export async function readSpeeds(
  store: SpeedStore,
  gpu: Gpu,
  precision: Precision,
): Promise<Speeds | undefined> {
  const entry = await store.read(keyOf(gpu, precision));
  if (!isEntry(entry) || entry.kernels !== (await fingerprint())) return undefined;
  const age = Date.now() - entry.measured;
  return age >= 0 && age < KEPT_MS ? entry.speeds : undefined;
}

export async function keepSpeeds(
  store: SpeedStore,
  gpu: Gpu,
  precision: Precision,
  speeds: Speeds,
): Promise<void> {
  const entry: Entry = { kernels: await fingerprint(), measured: Date.now(), speeds };
  await store.write(keyOf(gpu, precision), entry);
}

/** Names of adapter and driver, as far as they are told; a flag of the browser may take matrix units away. */
function keyOf({ device, hasMatrixUnits }: Gpu, precision: Precision): string {
  const { vendor, architecture, device: name, description } = device.adapterInfo;
  return [vendor, architecture, name, description, precision, hasMatrixUnits ? 'matrix units' : 'none'].join(
    ' | ',
  );
}

const fingerprint = (): Promise<string> => digestOf(KERNELS.map(({ name, wgsl }) => [name, wgsl]));

function isEntry(value: unknown): value is Entry {
  const { kernels, measured, speeds } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  return typeof kernels === 'string' && typeof measured === 'number' && isSpeeds(speeds);
}

function isSpeeds(value: unknown): value is Speeds {
  const { plain, tiled, wide, subgroupMatrix } = (value ?? {}) as Partial<Record<keyof Speeds, unknown>>;
  return [plain, tiled, wide, subgroupMatrix].every(
    (rate) => typeof rate === 'number' && rate >= 0 && rate < Infinity,
  );
}
