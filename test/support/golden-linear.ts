import { basename, dirname } from 'node:path';
import type { PackedLinear } from '../../src/exl2/packed-linear.ts';
import { nodeDirectory } from '../../src/io/platform/node/node-directory.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { f16ToF32Array } from '../../src/util/half.ts';

export interface GoldenCase {
  /** ExLlamaV2's QParams as JSON. */
  readonly params: unknown;
  readonly totalBits: number;
  readonly relativeProxyLoss: number;
  readonly packed: PackedLinear;
}

/** One linear layer as ExLlamaV2 quantized it, and what it started from. */
export interface GoldenLinear {
  readonly k: number;
  readonly n: number;
  /** (n, k). */
  readonly weight: Float32Array;
  /** (k, k), divided by the number of rows, not permuted. */
  readonly hessian: Float32Array;
  /** (k, k), upper factor of the inverse of the permuted, damped Hessian. */
  readonly choleskyFactor: Float32Array;
  readonly perm: Int32Array;
  readonly cases: readonly GoldenCase[];
}

interface CaseJson {
  readonly index: number;
  readonly qparams: unknown;
  readonly total_bits: number;
  readonly relative_proxy_loss: number;
}

export async function readGoldenLinear(path: string): Promise<GoldenLinear> {
  const source = await nodeDirectory(dirname(path)).open(basename(path));
  if (!source) throw new Error(`no ${path}`);
  const file = await openSafetensors(source);
  const bytes = async (name: string) => new Uint8Array((await file.read(name)).data).buffer;
  const f32 = async (name: string) => new Float32Array(await bytes(name));
  const [n, k] = JSON.parse(file.metadata.get('shape')!) as [number, number];
  const list = JSON.parse(file.metadata.get('cases')!) as CaseJson[];
  const cases = list.map(async ({ index, qparams, total_bits, relative_proxy_loss }) => ({
    params: qparams,
    totalBits: total_bits,
    relativeProxyLoss: relative_proxy_loss,
    packed: {
      k,
      n: Math.ceil(n / 32) * 32,
      qWeight: new Uint32Array(await bytes(`${index}.q_weight`)),
      qScale: new Uint32Array(await bytes(`${index}.q_scale`)),
      qScaleMax: new Uint16Array(await bytes(`${index}.q_scale_max`)),
      qGroups: new Int16Array(await bytes(`${index}.q_groups`)),
      qInvPerm: new Int32Array(await bytes(`${index}.q_invperm`)),
    },
  }));
  return {
    k,
    n,
    weight: f16ToF32Array(new Uint16Array(await bytes('weight'))),
    hessian: await f32('hessian'),
    choleskyFactor: await f32('hessian_inv'),
    perm: new Int32Array(await bytes('perm')),
    cases: await Promise.all(cases),
  };
}
