import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a driver opens to reach one card. */
export interface DeviceFile {
  readonly path: string;
  /** Of the card, e.g. `NVIDIA H200`. */
  readonly name: string;
  /** Covered by /dev/null: this process does not see the card. */
  readonly isHidden: boolean;
}

export const SYSTEM = { dev: '/dev', proc: '/proc', sys: '/sys' };

/** Drivers whose Vulkan side opens render nodes. NVIDIA's makes render nodes too, but computes through its own files. */
const RENDER_NODE_DRIVERS = ['amdgpu', 'i915', 'xe', 'nouveau'];

/** The device files of this Linux machine's cards, those hidden from this process included. */
export function deviceFiles(system = SYSTEM): DeviceFile[] {
  const nvidiaNames = namesByMinor(join(system.proc, 'driver/nvidia/gpus'));
  const nvidia = numbered(system.dev, /^nvidia(\d+)$/).map(({ path, number }) => ({
    path,
    name: nvidiaNames.get(number) ?? 'NVIDIA GPU',
  }));
  // AMD and Intel: by what Mesa's drivers do; not tried on such hardware.
  const others = numbered(join(system.dev, 'dri'), /^renderD(\d+)$/).flatMap(({ path }) => {
    const name = renderNodeName(join(system.sys, 'class/drm', basename(path), 'device'));
    return name === undefined ? [] : [{ path, name }];
  });
  return [...nvidia, ...others].map((file) => ({ ...file, isHidden: isHidden(file.path) }));
}

/** Files of a folder by the number in their name, in its order. */
function numbered(folder: string, pattern: RegExp): { path: string; number: number }[] {
  return entries(folder)
    .flatMap((name) => {
      const number = pattern.exec(name)?.[1];
      return number === undefined ? [] : [{ path: join(folder, name), number: Number(number) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** What NVIDIA's driver tells of its cards, by the number in their device files' names. */
function namesByMinor(folder: string): Map<number, string> {
  const known = entries(folder).map((address) => {
    const text = readIfThere(join(folder, address, 'information'));
    return [/^Device Minor:\s*(\d+)/m.exec(text)?.[1], /^Model:\s*(.+)$/m.exec(text)?.[1]] as const;
  });
  return new Map(known.flatMap(([minor, model]) => (minor && model ? [[Number(minor), model.trim()]] : [])));
}

/** Driver and PCI numbers, e.g. `amdgpu 1002:744c`; undefined for nodes that no card is computed on through. */
function renderNodeName(device: string): string | undefined {
  const driver = driverOf(device);
  if (driver === undefined || !RENDER_NODE_DRIVERS.includes(driver)) return undefined;
  const id = (name: string) => readIfThere(join(device, name)).trim().replace(/^0x/, '');
  return `${driver} ${id('vendor')}:${id('device')}`;
}

function driverOf(device: string): string | undefined {
  try {
    return basename(readlinkSync(join(device, 'driver')));
  } catch {
    return undefined;
  }
}

const isHidden = (path: string): boolean => statSync(path).rdev === statSync('/dev/null').rdev;

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
