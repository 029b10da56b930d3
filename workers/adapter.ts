import { isSoftware } from '../src/gpu/device.ts';
import { UnsupportedError } from '../src/util/errors.ts';
import type { GpuChoice } from './api/gpu.ts';

export interface NamedAdapter {
  readonly adapter: GPUAdapter;
  readonly name: string;
  /** Computes on the CPU. */
  readonly software: boolean;
}

/** The adapter that the browser offers for it; a new one each time, as one makes one device only. */
export async function openAdapter(powerPreference: GpuChoice): Promise<NamedAdapter> {
  // The types promise it, browsers do not.
  const gpu: GPU | undefined = navigator.gpu;
  if (!gpu) throw new UnsupportedError(isSecureContext ? NO_WEBGPU : NOT_SECURE);
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) throw new UnsupportedError(NO_ADAPTER);
  const { info } = adapter;
  const software = isSoftware(`${info.device} ${info.description}`, info);
  return { adapter, name: adapterName(info), software };
}

/** Browsers leave out what would identify a person's computer, each something else. */
export function adapterName({ description, device, vendor, architecture }: AdapterNames): string {
  if (description) return description;
  return [vendor, architecture, device].filter((part) => part !== '').join(' ') || 'unnamed GPU';
}

type AdapterNames = Pick<GPUAdapterInfo, 'description' | 'device' | 'vendor' | 'architecture'>;

/** Whether the low-power adapter is a second GPU. Twins are taken for one: browsers give them the same names. */
export async function hasSecondGpu(): Promise<boolean> {
  const [fast, frugal] = await Promise.all([openAdapter('high-performance'), openAdapter('low-power')]);
  return !frugal.software && !isSameAdapter(fast.adapter.info, frugal.adapter.info);
}

const NAMES = ['description', 'device', 'vendor', 'architecture'] as const satisfies (keyof AdapterNames)[];

export const isSameAdapter = (a: AdapterNames, b: AdapterNames): boolean =>
  NAMES.every((name) => a[name] === b[name]);

const NO_WEBGPU =
  'This browser has no WebGPU. Take a recent Chrome or Edge, Safari 26, or Firefox on Windows or macOS.';
const NOT_SECURE =
  'WebGPU is only there for pages from https:// or from this computer (http://localhost): open the page that way.';
const NO_ADAPTER =
  "The browser offers no GPU. Update the GPU's driver, turn hardware acceleration on in the browser's settings, and " +
  'restart the browser; chrome://gpu says what Chrome and Edge find missing.';
