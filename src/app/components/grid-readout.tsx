import type { Signal } from '@preact/signals';
import type { LinearFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { formatBits, formatPercent } from '../format.ts';
import { capitalized, linearTitle, moduleTitle } from '../module-words.ts';
import { describeParams } from '../settings.ts';
import { EMPTY_MODULE, type JobView, trialNow } from '../state/job-view.ts';
import { candidateOf, type GridPlace, moduleCells } from './grid-cells.ts';

interface GridReadoutProps {
  readonly place: Signal<GridPlace | undefined>;
  readonly view: JobView;
  readonly chosen: boolean;
}

/** The values of the cell under the pointer or the focus, in words. */
export function GridReadout({ place, view, chosen }: GridReadoutProps) {
  const { title, text } = readout(place.value, view, chosen);
  return (
    <p class="readout">
      <strong>{title}</strong> {text}
    </p>
  );
}

function readout(
  place: GridPlace | undefined,
  view: JobView,
  chosen: boolean,
): { title: string; text: string } {
  if (!place)
    return { title: '', text: 'Point at a cell, or walk through them with the arrow keys, for its values.' };
  if (place.module === 'lm_head') return { title: 'Output head', text: headText(view) };
  const module = view.record.model.modules.find(({ key }) => key === place.module);
  if (!module) return { title: '', text: '' };
  const title = capitalized(moduleTitle(module));
  const linear = module.linears.find(({ name }) => name === place.linear);
  return linear
    ? { title: `${title}, ${linearTitle(linear)}`, text: linearText(module, linear, view, chosen) }
    : { title, text: errorText(module, view) };
}

const headText = ({ head, record }: JobView): string => {
  const { hiddenSize, vocabSize } = record.model;
  const bits =
    head === undefined ? `${record.options.headBits} bits, not yet quantized` : `${formatBits(head)} bpw`;
  return `${bits}; ${hiddenSize} × ${vocabSize}`;
};

function errorText(module: ModuleFacts, view: JobView): string {
  const moduleView = view.modules.get(module.key) ?? EMPTY_MODULE;
  const promise = trialNow(moduleView)?.error;
  const outcome = moduleView.rfnError;
  if (promise === undefined && outcome === undefined) return 'not measured yet';
  const words = [
    promise !== undefined && `promised error ${formatPercent(promise)} %, as measured`,
    outcome !== undefined && `came out at ${formatPercent(outcome)} % (${outcome.toPrecision(3)})`,
  ];
  return words.filter(Boolean).join('; ');
}

function linearText(
  module: ModuleFacts,
  { name, k, n }: LinearFacts,
  view: JobView,
  chosen: boolean,
): string {
  const moduleView = view.modules.get(module.key) ?? EMPTY_MODULE;
  const cell = moduleCells(module, moduleView, chosen).bits[name];
  const size = `${k} × ${n}${module.experts ? ` in each of ${module.experts} experts` : ''}`;
  if (!cell) return `not measured yet; ${size}`;
  const trial = trialNow(moduleView);
  const params = trial && candidateOf(trial)?.[name];
  const spread = spreadText(Object.values(moduleView.expertErrors?.[name] ?? {}), module.experts);
  const error =
    cell.error === undefined ? '' : `, error ${formatPercent(cell.error)} % of its own output${spread}`;
  return `${formatBits(cell.value)} bpw${error}${params ? `: ${describeParams(params)}` : ''}; ${size}`;
}

/** From the best to the worst of the experts that are quantized. */
function spreadText(errors: readonly number[], experts: number | undefined): string {
  if (experts === undefined || errors.length === 0) return '';
  const [least, most] = [Math.min(...errors), Math.max(...errors)];
  const which = errors.length < experts ? `${errors.length} of ${experts}` : experts;
  return ` (root mean square of ${which} experts, ${formatPercent(least)} to ${formatPercent(most)} %)`;
}
