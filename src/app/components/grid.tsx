import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ModelFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { formatBits } from '../format.ts';
import { linearTitle } from '../module-words.ts';
import { bitsStep } from '../scales.ts';
import { type ErrorScale, errorScale, isOutdated } from '../state/error-scale.ts';
import type { JobView } from '../state/job-view.ts';
import type { GridPlace } from './grid-cells.ts';
import { moveFocus } from './grid-keys.ts';
import { GridLegend } from './grid-legend.tsx';
import { GridReadout } from './grid-readout.tsx';
import { GridRow } from './grid-row.tsx';

/** From so many layers on rows are thin and without numbers, so that the whole model is in view. */
const MANY_LAYERS = 40;

/** So many come at once. */
const FIRST_LAYERS = 24;

interface GridProps {
  readonly caption: string;
  readonly view: JobView;
  /** An allocation is shown rather than work. */
  readonly chosen?: boolean;
  readonly working?: string | undefined;
  readonly selected?: string | undefined;
  readonly pinned?: Readonly<Record<string, number>>;
  readonly onSelect?: (module: string) => void;
}

/** One row a layer, one column a linear: bits of every linear and the error of every module. */
export function Grid({ caption, view, chosen = false, working, selected, pinned = {}, onSelect }: GridProps) {
  const { model } = view.record;
  const layers = useMemo(() => layersOf(model), [model]);
  const drawn = useDrawnLayers(layers.length);
  const scale = useErrorScale(view, chosen);
  const place = useSignal<GridPlace | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  useFollowing(box, working);
  useFirstTabStop(box);
  const at = (event: Event) => placeOf(event.target);
  return (
    <div class="grid-block">
      <div ref={box} class={layers.length > MANY_LAYERS ? 'grid-box thin' : 'grid-box'}>
        <table
          class="grid"
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: its cells are walked with the arrow keys
          role="grid"
          aria-label={caption}
          onPointerOver={(event) => {
            place.value = at(event);
          }}
          onPointerLeave={() => {
            place.value = undefined;
          }}
          onFocusIn={(event) => {
            place.value = at(event);
          }}
          onClick={(event) => {
            const clicked = at(event);
            if (clicked) onSelect?.(clicked.module);
          }}
          onKeyDown={(event) => {
            const focused = at(event);
            if (event.key === 'Enter' && focused) onSelect?.(focused.module);
            else moveFocus(event);
          }}
        >
          <GridHead modules={layers[0] ?? []} />
          <tbody>
            {layers.slice(0, drawn).map((modules, layer) => (
              <GridRow
                key={modules[0]?.key}
                layer={layer}
                modules={modules}
                attention={view.modules.get(keyOf(modules, 'attention') ?? '')}
                mlp={view.modules.get(keyOf(modules, 'mlp') ?? keyOf(modules, 'experts') ?? '')}
                chosen={chosen}
                scale={scale}
                working={modules.find(({ key }) => key === working)?.key}
                selected={modules.find(({ key }) => key === selected)?.key}
                pinned={modules.flatMap(({ key }) => (key in pinned ? [key] : [])).join(' ')}
              />
            ))}
            <HeadRow bits={view.head} columns={columnCount(layers[0] ?? [])} />
          </tbody>
        </table>
      </div>
      <GridReadout place={place} view={view} chosen={chosen} />
      <GridLegend chosen={chosen} scale={scale} />
    </div>
  );
}

function GridHead({ modules }: { modules: readonly ModuleFacts[] }) {
  return (
    <thead>
      <tr>
        <th rowSpan={2} scope="col">
          <span class="hidden">layer</span>
        </th>
        {modules.map((module) => (
          <th key={module.key} scope="colgroup" colSpan={module.linears.length + 1}>
            {headOf(module)}
          </th>
        ))}
      </tr>
      <tr>
        {modules.map(({ linears }) => (
          <>
            {linears.map((linear) => (
              <th key={linear.name} scope="col">
                {linearTitle(linear)}
              </th>
            ))}
            <th scope="col" class="error-cell">
              err<span class="hidden">or</span> %
            </th>
          </>
        ))}
      </tr>
    </thead>
  );
}

/** The output head has one linear and no measured error. */
function HeadRow({ bits, columns }: { bits: number | undefined; columns: number }) {
  return (
    <tr>
      <th scope="row">head</th>
      <td
        tabIndex={-1}
        data-module="lm_head"
        data-linear="lm_head"
        colSpan={columns}
        class={bits === undefined ? undefined : `settled b${bitsStep(bits)}`}
      >
        {bits === undefined ? '·' : formatBits(bits)}
      </td>
    </tr>
  );
}

function layersOf(model: ModelFacts): ModuleFacts[][] {
  const layers: ModuleFacts[][] = Array.from({ length: model.layers }, () => []);
  for (const module of model.modules) layers[module.layer]?.push(module);
  return layers;
}

const keyOf = (modules: readonly ModuleFacts[], kind: ModuleFacts['kind']): string | undefined =>
  modules.find((module) => module.kind === kind)?.key;

const headOf = ({ kind, experts }: ModuleFacts): string =>
  ({ attention: 'attention', mlp: 'MLP', experts: `${experts} experts` })[kind];

const columnCount = (modules: readonly ModuleFacts[]): number =>
  modules.reduce((sum, { linears }) => sum + linears.length + 1, 0);

function placeOf(target: EventTarget | null): GridPlace | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>('td') : null;
  const { module, linear } = cell?.dataset ?? {};
  return module !== undefined && linear !== undefined ? { module, linear } : undefined;
}

/** Keeps the module under work in sight, unless the reader is in the grid. */
function useFollowing(box: { current: HTMLDivElement | null }, working: string | undefined): void {
  useEffect(() => {
    const grid = box.current;
    if (!grid || !working || grid.matches(':hover, :focus-within')) return;
    const row = grid.querySelector('.working')?.closest('tr');
    if (!row) return;
    const top = row.offsetTop - grid.clientHeight / 2;
    if (Math.abs(top - grid.scrollTop) > grid.clientHeight / 4) grid.scrollTop = top;
  }, [box, working]);
}

/** Hundreds of cells at once would hold the page up: the second part of a large model comes a moment later. */
function useDrawnLayers(layers: number): number {
  const [drawn, draw] = useState(FIRST_LAYERS);
  useEffect(() => {
    if (drawn < layers) draw(layers);
  }, [drawn, layers]);
  return drawn;
}

/** Colours of all rows change with it: while values come in, it is kept until there are many more of them. */
function useErrorScale(view: JobView, chosen: boolean): ErrorScale {
  const kept = useRef<ErrorScale | undefined>(undefined);
  const now = errorScale(view);
  if (!kept.current || chosen || isOutdated(kept.current, now)) kept.current = now;
  return kept.current;
}

/** One cell takes part in the tab order: at first the first one, then the last that had the focus. */
function useFirstTabStop(box: { current: HTMLDivElement | null }): void {
  useEffect(() => {
    const cell = box.current?.querySelector<HTMLElement>('td');
    if (cell) cell.tabIndex = 0;
  }, [box]);
}
