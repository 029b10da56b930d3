/** How the host steers a running conversion. */
export interface Control {
  /** Aborted: the job ends with the signal's reason at the next check. */
  readonly signal: AbortSignal;
  /** Resolves when work may go on; while paused it waits. Undefined: never paused. */
  readonly resumed?: () => Promise<void>;
}

/** To be called between pieces of work of at most a few seconds: waits while paused, throws when cancelled. */
export async function checkControl({ signal, resumed }: Control): Promise<void> {
  signal.throwIfAborted();
  await resumed?.();
  signal.throwIfAborted();
}
