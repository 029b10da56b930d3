import type { Terminal } from '../../src/cli/terminal.ts';

/** Keeps what is written; its clock is set by hand. Without `columns` it is a file. */
export class FakeTerminal implements Terminal {
  text = '';
  seconds = 0;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly colors: boolean;

  constructor(columns?: number, { rows, colors = false }: { rows?: number; colors?: boolean } = {}) {
    this.columns = columns;
    this.rows = rows;
    this.colors = colors;
  }

  write(text: string): void {
    this.text += text;
  }

  now(): number {
    return this.seconds;
  }

  /** What a person sees of it, after the codes that move up and clear below. */
  screen(): string[] {
    const lines = [''];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    for (const part of this.text.split(/(\x1b\[\d*[AJ]|\n)/)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      const up = /^\x1b\[(\d+)A$/.exec(part)?.[1];
      if (up) lines.splice(-Number(up) - 1, Number(up) + 1, '');
      else if (part === '\n') lines.push('');
      else if (part !== '\x1b[J') lines[lines.length - 1] += part;
    }
    return lines;
  }
}
