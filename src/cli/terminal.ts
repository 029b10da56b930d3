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

/** The same screen, written to in another way: a progress line goes to standard error, results go to standard output. */
export const writingBy = (terminal: Terminal, write: Terminal['write']): Terminal => ({
  write,
  get columns() {
    return terminal.columns;
  },
  get rows() {
    return terminal.rows;
  },
  colors: terminal.colors,
  now: () => terminal.now(),
});

export const REDRAW_SECONDS = 0.1;
export const LOG_SECONDS = 10;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Lines that stay, and below them one that changes, with more below it where there are any. On a screen they are
 * rewritten in place; in a file the one line is like the others, every ten seconds at most.
 */
export class StatusLine {
  readonly #terminal: Terminal;
  /** Lines that are drawn; the cursor is in the last one. */
  #height = 0;
  #lastDrawn = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Prints lines that stay. */
  print(text: string): void {
    this.clear();
    this.#terminal.write(`${text}\n`);
  }

  /**
   * `text` is only called when it is time to show it.
   * @param more lines below it, for screens.
   */
  update(text: () => string, more: () => readonly string[] = () => []): void {
    const { columns } = this.#terminal;
    const now = this.#terminal.now();
    const interval = columns === undefined ? LOG_SECONDS : REDRAW_SECONDS;
    // A line that was cleared to print another comes back at once.
    const isHidden = columns !== undefined && this.#height === 0;
    if (now - this.#lastDrawn < interval && !isHidden) return;
    this.#lastDrawn = now;
    if (columns === undefined) {
      this.#terminal.write(`${text()}\n`);
      return;
    }
    // A line as long as the screen is wide would move the cursor to the next one.
    const most = this.#terminal.rows ?? Number.POSITIVE_INFINITY;
    const lines = [text(), ...more()].slice(0, most).map((line) => line.slice(0, columns - 1));
    this.#terminal.write(`${this.#clearing()}${lines.join('\n')}`);
    this.#height = lines.length;
  }

  clear(): void {
    if (this.#height > 0) this.#terminal.write(this.#clearing());
    this.#height = 0;
  }

  /** Clears the lines that are drawn, from the first one on. */
  #clearing(): string {
    return this.#height > 1 ? `${CLEAR_LINE}\x1b[${this.#height - 1}A\x1b[J` : CLEAR_LINE;
  }
}
