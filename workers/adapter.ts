import { isSoftwareAdapter } from '../src/gpu/device.ts';
import { UnsupportedError } from '../src/util/errors.ts';

export interface NamedAdapter {
  readonly adapter: GPUAdapter;
  readonly name: string;
  /** Computes on the CPU. */
  readonly software: boolean;
}

/** The fastest adapter that the browser offers; a new one each time, as one makes one device only. */
export async function openAdapter(): Promise<NamedAdapter> {
  // The types promise it, browsers do not.
  const gpu: GPU | undefined = navigator.gpu;
  if (!gpu) throw new UnsupportedError(isSecureContext ? NO_WEBGPU : NOT_SECURE);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new UnsupportedError(NO_ADAPTER);
  return { adapter, name: adapterName(adapter.info), software: isSoftwareAdapter(adapter) };
}

/** Browsers leave out what would identify a person's computer, each something else. */
export function adapterName(
  info: Pick<GPUAdapterInfo, 'description' | 'device' | 'vendor' | 'architecture'>,
): string {
  const { description, device, vendor, architecture } = info;
  if (description) return description;
  return [vendor, architecture, device].filter((part) => part !== '').join(' ') || 'unnamed GPU';
}

const NO_WEBGPU =
  'This browser has no WebGPU. Take a recent Chrome or Edge, Safari 26, or Firefox on Windows or macOS.';
const NOT_SECURE =
  'WebGPU is only there for pages from https:// or from this computer (http://localhost): open the page that way.';
const NO_ADAPTER =
  "The browser offers no GPU. Update the GPU's driver, turn hardware acceleration on in the browser's settings, and " +
  'restart the browser; chrome://gpu says what Chrome and Edge find missing.';
