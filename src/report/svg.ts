/** The report's pictures: SVG from plain functions, coloured by the page's style sheet. */

import { type Html, html, NOTHING } from './html.ts';

export interface GridCell {
  /** 0…1: how strong the colour is. */
  readonly strength: number;
  readonly text: string;
  /** Shown when the pointer rests on it. */
  readonly detail: string;
}

export interface GridData {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly (GridCell | undefined)[] }[];
}

const CELL = { width: 76, height: 22, gap: 2 };
const NAMES = 64;
const TITLES = 22;

/** Coloured cells with a number in each: rows by columns. */
export function gridPicture({ label, columns, rows }: GridData): Html {
  const width = NAMES + columns.length * CELL.width;
  const height = TITLES + rows.length * CELL.height;
  const x = (column: number) => NAMES + column * CELL.width;
  const y = (row: number) => TITLES + row * CELL.height;
  const titles = columns.map(
    (title, i) => html`<text x="${x(i) + CELL.width / 2}" y="14" text-anchor="middle">${title}</text>`,
  );
  const lines = rows.map(
    ({ name, cells }, row) => html`<text x="${NAMES - 8}" y="${y(row) + 15}" text-anchor="end">${name}</text>
${cells.map((cell, column) => (cell ? gridCell(cell, x(column), y(row)) : NOTHING))}`,
  );
  return html`<svg class="grid" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}" width="${width}">
${titles}${lines}</svg>`;
}

function gridCell({ strength, text, detail }: GridCell, x: number, y: number): Html {
  const share = Math.round(Math.max(0, Math.min(1, strength)) * 100);
  return html`<g><title>${detail}</title><rect x="${x}" y="${y}" width="${CELL.width - CELL.gap}" height="${CELL.height - CELL.gap}" rx="3" style="fill:color-mix(in oklab, var(--weak), var(--strong) ${share}%)"/><text class="${share > 55 ? 'on-strong' : 'on-weak'}" x="${x + (CELL.width - CELL.gap) / 2}" y="${y + 15}" text-anchor="middle">${text}</text></g>`;
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** A mark on the bar's scale. */
  readonly mark?: number;
  readonly detail: string;
}

const BAR = { height: 18, gap: 4, names: 96, length: 480, values: 70 };

/** Horizontal bars on one scale from 0, each with its number. */
export function barPicture(label: string, bars: readonly Bar[], format: (value: number) => string): Html {
  const highest = Math.max(...bars.map(({ value, mark }) => Math.max(value, mark ?? 0)), Number.MIN_VALUE);
  const scale = (value: number) => round((value / highest) * BAR.length);
  const height = bars.length * (BAR.height + BAR.gap);
  const width = BAR.names + BAR.length + BAR.values;
  const lines = bars.map(({ name, value, mark, detail }, i) => {
    const y = i * (BAR.height + BAR.gap);
    const line = mark === undefined ? NOTHING : markLine(BAR.names + scale(mark), y);
    return html`<g><title>${detail}</title><text x="${BAR.names - 8}" y="${y + 13}" text-anchor="end">${name}</text><rect class="bar" x="${BAR.names}" y="${y}" width="${Math.max(1, scale(value))}" height="${BAR.height}" rx="2"/>${line}<text x="${BAR.names + scale(Math.max(value, mark ?? 0)) + 8}" y="${y + 13}">${format(value)}</text></g>`;
  });
  return html`<svg class="bars" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}" width="${width}">
${lines}</svg>`;
}

const markLine = (x: number, y: number): Html =>
  html`<line class="mark" x1="${x}" x2="${x}" y1="${y - 1}" y2="${y + BAR.height + 1}"/>`;

const round = (value: number): number => Math.round(value * 10) / 10;
