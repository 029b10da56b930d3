/** A gate in the way of a job's work: open at first, closed while it is paused. */
export class PauseGate {
  #closed: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): void {
    if (this.#closed) return;
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#closed = { opened, open };
  }

  open(): void {
    this.#closed?.open();
    this.#closed = undefined;
  }

  /** Resolves when the gate is open. */
  readonly passed = async (): Promise<void> => {
    while (this.#closed) await this.#closed.opened;
  };
}
