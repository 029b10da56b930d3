/** Where text goes. */
export interface Terminal {
  write(text: string): void;
  /** Width of a screen that lines can be rewritten on; undefined for a file or a pipe. */
  readonly columns: number | undefined;
  /** Its height. */
  readonly rows?: number | undefined;
  readonly colors: boolean;
  /** A clock, in seconds. */
  now(): number;
}

export const REDRAW_SECONDS = 0.1;
export const LOG_SECONDS = 10;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Lines that stay, and below them one that changes. On a screen it is rewritten in place; in a file it is a line
 * like the others, every ten seconds at most.
 */
export class StatusLine {
  readonly #terminal: Terminal;
  #isDrawn = false;
  #lastDrawn = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Prints lines that stay. */
  print(text: string): void {
    this.clear();
    this.#terminal.write(`${text}\n`);
  }

  /** `text` is only called when it is time to show it. */
  update(text: () => string): void {
    const { columns } = this.#terminal;
    const now = this.#terminal.now();
    const interval = columns === undefined ? LOG_SECONDS : REDRAW_SECONDS;
    // A line that was cleared to print another comes back at once.
    const isHidden = columns !== undefined && !this.#isDrawn;
    if (now - this.#lastDrawn < interval && !isHidden) return;
    this.#lastDrawn = now;
    if (columns === undefined) {
      this.#terminal.write(`${text()}\n`);
      return;
    }
    // A line as long as the screen is wide would move the cursor to the next one.
    this.#terminal.write(`${CLEAR_LINE}${text().slice(0, columns - 1)}`);
    this.#isDrawn = true;
  }

  clear(): void {
    if (this.#isDrawn) this.#terminal.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}
