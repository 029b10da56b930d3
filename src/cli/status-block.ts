import { REDRAW_SECONDS, type Terminal } from './terminal.ts';

/** Lines that stay, and below them a block of lines that change in place. For screens only. */
export class StatusBlock {
  readonly #terminal: Terminal;
  #height = 0;
  #lastDrawn = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Prints a line that stays, above the block, which is gone until it is drawn again. */
  print(text: string): void {
    this.#terminal.write(`${this.#clearing()}${text}\n`);
    this.#lastDrawn = Number.NEGATIVE_INFINITY;
  }

  /** `lines` is only called when it is time to show them. */
  update(lines: () => readonly string[]): void {
    const now = this.#terminal.now();
    if (now - this.#lastDrawn < REDRAW_SECONDS) return;
    this.#lastDrawn = now;
    const shown = lines();
    this.#terminal.write(`${this.#clearing()}${shown.map((line) => `${line}\n`).join('')}`);
    this.#height = shown.length;
  }

  /** Lets the block stay as it is, as others have written below it. */
  leave(): void {
    this.#height = 0;
  }

  /** Moves to where the block starts and clears it. */
  #clearing(): string {
    const codes = this.#height === 0 ? '' : `\x1b[${this.#height}A\x1b[J`;
    this.#height = 0;
    return codes;
  }
}
