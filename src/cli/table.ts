export interface Column {
  readonly title: string;
  /** At least; longer cells push the rest of their row aside. */
  readonly width: number;
  readonly align: 'left' | 'right';
}

/** The titles as a row. */
export function titleRow(columns: readonly Column[]): string {
  return tableRow(
    columns,
    columns.map(({ title }) => title),
  );
}

/** One row; fixed widths, so that rows can be shown as they come. */
export function tableRow(columns: readonly Column[], cells: readonly string[]): string {
  return columns
    .map(({ width, align }, index) => {
      const cell = cells[index] ?? '';
      return align === 'left' ? cell.padEnd(width) : cell.padStart(width);
    })
    .join('  ')
    .trimEnd();
}
