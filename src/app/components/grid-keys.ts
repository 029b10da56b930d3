type Step = readonly [rows: number, columns: number];

const STEPS: Readonly<Record<string, Step>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-10, 0],
  PageDown: [10, 0],
  Home: [0, Number.NEGATIVE_INFINITY],
  End: [0, Number.POSITIVE_INFINITY],
};

/** Arrow keys walk through the cells of a table's body. */
export function moveFocus(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const cell = event.target instanceof HTMLElement ? event.target.closest('td') : null;
  const row = cell?.parentElement;
  const body = row?.parentElement;
  if (!step || !cell || !(row instanceof HTMLTableRowElement) || !(body instanceof HTMLTableSectionElement))
    return;
  event.preventDefault();
  const target = body.rows[clamp(row.sectionRowIndex + step[0], body.rows.length - 1)];
  // The first cell of a row is its name.
  const column = Math.max(1, clamp(cell.cellIndex + step[1], (target?.cells.length ?? 1) - 1));
  const next = target?.cells[column];
  if (!next) return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));
