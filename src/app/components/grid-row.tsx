import { Component } from 'preact';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import { formatBits, formatPercent } from '../format.ts';
import { bitsStep, stepOf } from '../scales.ts';
import type { ErrorScale } from '../state/error-scale.ts';
import { EMPTY_MODULE, type ModuleView } from '../state/job-view.ts';
import { type CellValue, type LinearCell, moduleCells } from './grid-cells.ts';

export interface GridRowProps {
  readonly layer: number;
  /** Attention, MLP. */
  readonly modules: readonly ModuleFacts[];
  readonly attention: ModuleView | undefined;
  readonly mlp: ModuleView | undefined;
  readonly chosen: boolean;
  readonly scale: ErrorScale;
  /** Key of the module under work, if it is in this row. */
  readonly working: string | undefined;
  readonly selected: string | undefined;
  /** Which of the row's modules are pinned, joined. */
  readonly pinned: string;
}

/** One layer. Rows whose modules did not change are not drawn again: large models have eighty. */
export class GridRow extends Component<GridRowProps> {
  override shouldComponentUpdate(next: GridRowProps): boolean {
    const present = this.props;
    // A row without values has nothing that the scale could colour.
    const isEmpty = next.attention === undefined && next.mlp === undefined;
    return (Object.keys(next) as (keyof GridRowProps)[]).some(
      (name) => next[name] !== present[name] && !(isEmpty && name === 'scale'),
    );
  }

  override render({ layer, modules }: GridRowProps) {
    return (
      <tr>
        <th scope="row">{layer}</th>
        {modules.map((module) => this.#module(module))}
      </tr>
    );
  }

  #module(module: ModuleFacts) {
    const { attention, mlp, chosen, scale, working, selected, pinned } = this.props;
    const view = (module.kind === 'attention' ? attention : mlp) ?? EMPTY_MODULE;
    const cells = moduleCells(module, view, chosen);
    const marks = [
      module.key === working ? 'working' : '',
      module.key === selected ? 'selected' : '',
      pinned.split(' ').includes(module.key) ? 'pinned' : '',
    ].join(' ');
    return (
      <>
        {module.linears.map(({ name }) => linearCell(module.key, name, cells.bits[name], scale, marks))}
        {errorCell(module.key, cells.error, scale, marks)}
      </>
    );
  }
}

// Cells are functions rather than components: a large model has hundreds, and they come up all at once.

function linearCell(
  module: string,
  linear: string,
  cell: LinearCell | undefined,
  scale: ErrorScale,
  marks: string,
) {
  const loss = cell?.error;
  const look = [
    marks,
    ...(cell ? [cell.certainty, `b${bitsStep(cell.value)}`] : []),
    ...(loss === undefined ? [] : ['with-loss', `l${stepOf(scale.linears, loss)}`]),
  ].join(' ');
  return (
    <td key={linear} tabIndex={-1} data-module={module} data-linear={linear} class={look}>
      {cell ? formatBits(cell.value) : '·'}
      {loss !== undefined && (
        <span class="loss">
          <span class="hidden">bpw, error </span>
          {formatPercent(loss)}
        </span>
      )}
    </td>
  );
}

function errorCell(module: string, cell: CellValue | undefined, scale: ErrorScale, marks: string) {
  const look = cell ? `${marks} ${cell.certainty} e${stepOf(scale.modules, cell.value)}` : marks;
  return (
    <td tabIndex={-1} data-module={module} data-linear="" class={`error-cell ${look}`}>
      {cell ? formatPercent(cell.value) : '·'}
    </td>
  );
}
