import { create, globals } from 'webgpu';
import { isSoftware } from '../gpu/device.ts';
import { InputError, UnsupportedError } from '../util/errors.ts';
import { pollRarely } from './poll-rarely.ts';

export interface OpenAdapter {
  readonly adapter: GPUAdapter;
  /** For messages, e.g. `NVIDIA H100` or `SwiftShader Device (Subzero)`. */
  readonly name: string;
  /** Runs on the CPU. */
  readonly software: boolean;
}

export interface ListedAdapter {
  readonly backend: string;
  readonly name: string;
}

/** Subgroup matrices are experimental, and on NVIDIA under Vulkan f16 is off by default. */
const FEATURES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];

/**
 * For adapters in software, which take up to two fifths of a kernel's time for what guards the memory of others from
 * strange shaders: indices are not limited to their arrays, and workgroup memory does not begin as zero. The shaders
 * here are this project's own, and the tests run them so.
 */
const SOFTWARE_FEATURES = [...FEATURES, 'disable_robustness', 'disable_workgroup_init'];

/** Dawn offers no list of adapters; the error for a name that does not exist has one. */
const NO_SUCH_NAME = '?';

/** Devices stop answering when the object they come from is collected. */
const instances: GPU[] = [];

/** All adapters of this machine, as Dawn names them. */
export async function listAdapters(): Promise<ListedAdapter[]> {
  try {
    await newInstance(NO_SUCH_NAME).requestAdapter();
    // Without any adapter there is no error.
    return [];
  } catch (error) {
    return parseAdapterList(String(error));
  }
}

/** The adapters named in Dawn's error message. */
export function parseAdapterList(message: string): ListedAdapter[] {
  const lines = message.matchAll(/^ \* backend: '(.*)', name: '(.*)'$/gm);
  return Array.from(lines, ([, backend, name]) => ({ backend: backend!, name: name! }));
}

/**
 * The first adapter whose name contains `wanted` in upper or lower case; without it the one that the system offers
 * first. Makes WebGPU's constants global. Throws InputError for a name that no adapter has, UnsupportedError when
 * there is no adapter.
 */
export async function openAdapter(wanted?: string): Promise<OpenAdapter> {
  Object.assign(globalThis, globals);
  const names = (await listAdapters()).map(({ name }) => name);
  if (names.length === 0) throw new UnsupportedError(noAdapterMessage());
  const chosen = wanted === undefined ? undefined : chosenName(wanted, names);
  const adapter = await request(newInstance(chosen));
  if (!adapter) throw new UnsupportedError(`The adapter cannot be used. ${noAdapterMessage()}`);
  const name =
    chosen ?? names.find((other) => plain(other) === plain(adapter.info.device)) ?? adapter.info.description;
  if (!isSoftware(name, adapter.info)) return { adapter, name, software: false };
  pollRarely();
  const unguarded = await request(newInstance(name, SOFTWARE_FEATURES));
  return { adapter: unguarded ?? adapter, name, software: true };
}

const request = (instance: GPU): Promise<GPUAdapter | null> =>
  instance.requestAdapter({ powerPreference: 'high-performance' });

function chosenName(wanted: string, names: readonly string[]): string {
  const chosen = names.find((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (chosen !== undefined) return chosen;
  const listed = [...new Set(names)].map((name) => `"${name}"`).join(', ');
  throw new InputError(`--gpu ${wanted}: no adapter has this in its name. There are: ${listed}.`);
}

/** `GPUAdapterInfo.device` is the name in lower case with dashes. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

/** `name`: of the only adapter that it may offer. */
function newInstance(name?: string, features: readonly string[] = FEATURES): GPU {
  const options = [
    `enable-dawn-features=${features.join()}`,
    // Timestamps for the benchmark, which are otherwise rounded to 65 µs.
    'disable-dawn-features=timestamp_quantization',
  ];
  const instance = create(name === undefined ? options : [...options, `adapter=${name}`]);
  instances.push(instance);
  return instance;
}

function noAdapterMessage(): string {
  const advice =
    process.platform === 'linux'
      ? "Install your GPU's Vulkan driver and libvulkan1; or, to compute on the CPU, Chromium (Debian: apt-get install " +
        'chromium libvulkan1), and set VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json. ' +
        '"npm run convert" does the latter by itself.'
      : "Install or update the GPU's driver.";
  return `WebGPU finds no adapter. ${advice}`;
}
