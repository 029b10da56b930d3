import { spawnSync } from 'node:child_process';
import { UnsupportedError } from '../util/errors.ts';

/** Files to hide from a process, and files hidden from this one that it shall see again. */
export interface Mounts {
  readonly hide: readonly string[];
  readonly show: readonly string[];
}

/** As root; and as another user, who is root of a namespace of his own, but gets no rights on files from that. */
const WAYS = [
  ['unshare', '-m'],
  ['unshare', '-r', '-m'],
] as const;

/**
 * The command that runs `command` with files hidden from it alone, by mounts in a namespace of its own. All steps
 * replace the process of the one before: process id, signals and open channels reach `command`.
 */
export function privateCommand(
  way: readonly string[],
  { hide, show }: Mounts,
  command: readonly string[],
): string[] {
  const steps = [
    ...show.map((path) => `umount ${quoted(path)}`),
    ...hide.map((path) => `mount --bind /dev/null ${quoted(path)}`),
    'exec "$@"',
  ];
  return [...way, 'sh', '-c', steps.join(' && '), 'sh', ...command];
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * `command` with files hidden from it, in the first way that this system allows.
 * @throws UnsupportedError with what was tried, what the system answered and what to do.
 */
export function hidingCommand(mounts: Mounts, command: readonly string[]): string[] {
  const answers: string[] = [];
  for (const way of WAYS) {
    const [program, ...args] = privateCommand(way, mounts, ['true']);
    const { status, error, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
    if (status === 0) return privateCommand(way, mounts, command);
    answers.push(`"${way.join(' ')}": ${error?.message ?? (stderr.trim() || `exit code ${status}`)}`);
  }
  throw new UnsupportedError(refusal(mounts, answers));
}

const refusal = ({ hide, show }: Mounts, answers: readonly string[]): string =>
  `No process can be started that sees one card alone. The way is to cover the device files of the others (${[...hide, ...show].join(', ')}) ` +
  'with /dev/null in a mount namespace of its own, and the system refuses:\n' +
  `${answers.map((answer) => `  ${answer}\n`).join('')}` +
  'Run as root; in a container allow mounts (docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined); or ' +
  'allow user namespaces (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0). Without these, start ' +
  'one container for each card (docker run --gpus device=1), or choose among cards of different names with --gpu NAME.';
