/** The picture of a result: the grid of its bits, and one true sentence. */

import type { JobRecord, TargetResult } from '../../workers/api/jobs.ts';
import { moduleCells } from './components/grid-cells.ts';
import { formatBits } from './format.ts';
import { costWords, sizeWords } from './result-words.ts';
import { bitsStep } from './scales.ts';
import { EMPTY_MODULE } from './state/job-view.ts';
import { resultView } from './state/result-view.ts';

export const CARD = { width: 1200, height: 630 } as const;
const MARGIN = 56;
const GRID = { left: 660, top: MARGIN, width: CARD.width - 660 - MARGIN, height: CARD.height - 2 * MARGIN };

/** Draws the card with the colours of the page. */
export function drawCard(canvas: HTMLCanvasElement, record: JobRecord, result: TargetResult): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  context.fillStyle = colour('--surface');
  context.fillRect(0, 0, CARD.width, CARD.height);
  drawGrid(context, record, result, colour);
  context.textBaseline = 'top';
  const font = getComputedStyle(document.body).fontFamily;
  const width = GRID.left - 2 * MARGIN;
  context.fillStyle = colour('--ink');
  context.font = `600 44px ${font}`;
  let y = drawLines(context, linesOf(context, record.modelName, width).slice(0, 2), MARGIN, 54);
  context.font = `28px ${font}`;
  const size = `At ${formatBits(result.bitsPerWeight)} bits per weight ${sizeWords(record, result)}`;
  y = drawLines(context, linesOf(context, size, width), y + 20, 38);
  const cost = costWords(result);
  if (cost) drawLines(context, linesOf(context, cost, width), y + 20, 38);
  context.fillStyle = colour('--muted');
  context.font = `22px ${font}`;
  context.textBaseline = 'bottom';
  context.fillText('exl2-web: a row a layer, darker is more bits', MARGIN, CARD.height - MARGIN);
}

/** A row a layer, a column a linear. */
function drawGrid(
  context: CanvasRenderingContext2D,
  record: JobRecord,
  result: TargetResult,
  colour: (name: string) => string,
): void {
  const view = resultView(record, result);
  const { layers, modules } = record.model;
  const rows = Array.from({ length: layers }, (_, layer) =>
    modules
      .filter((module) => module.layer === layer)
      .flatMap((module) => {
        const { bits } = moduleCells(module, view.modules.get(module.key) ?? EMPTY_MODULE, true);
        return module.linears.map(({ name }) => bits[name]?.value);
      }),
  );
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const [width, height] = [GRID.width / columns, GRID.height / Math.max(1, layers)];
  const gap = Math.min(3, height / 4);
  for (const [y, row] of rows.entries()) {
    for (const [x, bits] of row.entries()) {
      context.fillStyle = colour(bits === undefined ? '--sunken' : `--b${bitsStep(bits)}`);
      context.fillRect(GRID.left + x * width, GRID.top + y * height, width - gap, height - gap);
    }
  }
}

/** Gives where the next lines begin. */
function drawLines(
  context: CanvasRenderingContext2D,
  lines: readonly string[],
  top: number,
  height: number,
): number {
  for (const [i, line] of lines.entries()) context.fillText(line, MARGIN, top + i * height);
  return top + lines.length * height;
}

/** Broken at spaces; a word that is wider than a line is broken anywhere. */
function linesOf(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  const fits = (line: string) => context.measureText(line).width <= width;
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const char of word) {
      if (!fits(line + char)) {
        lines.push(line);
        line = '';
      }
      line += char;
    }
  }
  return [...lines, line];
}
