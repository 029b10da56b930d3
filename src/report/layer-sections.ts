/** What the report says layer by layer. */

import { type Html, html, NOTHING, table } from './html.ts';
import type { ModuleReport } from './report-data.ts';
import { barPicture, type GridCell, gridPicture } from './svg.ts';

type Modules = readonly ModuleReport[];
type LinearReport = ModuleReport['linears'][number];

export function allocationSection(modules: Modules): Html {
  const bits = modules.flatMap(({ linears }) => linears.map(({ bitsPerWeight }) => bitsPerWeight));
  const [least, most] = [Math.min(...bits), Math.max(...bits)];
  const grid = linearGrid('Bits per weight by layer and linear', modules, ({ bitsPerWeight, params }) => ({
    strength: (bitsPerWeight - least) / Math.max(most - least, 1),
    text: bitsPerWeight.toFixed(2),
    detail: params,
  }));
  return html`<h2>Where the bits went</h2>
<p>Bits per weight of every linear layer, from ${least.toFixed(2)} (pale) to ${most.toFixed(2)} (strong). Rest the
pointer on a cell to see its groups.</p>
${grid}`;
}

export function errorSection(modules: Modules): Html {
  const bars = modules.map(({ layer, kind, key, rfnError, expectedError }) => ({
    name: `${layer} ${KINDS[kind]}`,
    value: rfnError ?? expectedError,
    mark: expectedError,
    detail: `${key}: ${percent(rfnError ?? expectedError)}, measured ${percent(expectedError)}`,
  }));
  return html`<h2>Error of each module</h2>
<p>‖quantized − original‖ / ‖original‖ of a module’s output on its calibration inputs. The line is what the
measurement promised.</p>
<figure>${barPicture('Relative error of each module', bars, percent)}</figure>
<h2>Error of each linear layer</h2>
<p>The same of each linear layer’s own output, in per cent, on about 256 tokens of its calibration inputs: what is
lost before the rest of the module evens it out.</p>
${linearGrid('Error by layer and linear, in per cent', modules, errorCells(modules))}`;
}

const KINDS: Readonly<Record<ModuleReport['kind'], string>> = {
  attention: 'attention',
  mlp: 'MLP',
  experts: 'experts',
};

/** How calibration tokens spread over experts; nothing of a model without. */
export function expertSection(modules: Modules): Html {
  const layers = modules.filter(({ expertTokens }) => expertTokens.length > 0);
  if (layers.length === 0) return NOTHING;
  const rows = layers.map(({ layer, expertTokens }) => {
    const sorted = expertTokens.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
    return [layer, at(0), at(0.25), at(0.5), at(0.75), at(1)].map(String);
  });
  return html`<h2>Experts</h2>
<p>Calibration tokens that came to the experts of each layer: their down projections are quantized on these alone.</p>
${table(['Layer', 'Least', 'A quarter below', 'Half below', 'Three quarters below', 'Most'], rows)}`;
}

/** Errors differ by factors: shades go by their logarithm. */
function errorCells(modules: Modules): (linear: LinearReport) => GridCell | undefined {
  const all = modules.flatMap(({ linears }) => linears.flatMap(({ error }) => (error ? [error] : [])));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return ({ error, bitsPerWeight }) =>
    error === undefined
      ? undefined
      : {
          strength: Math.log(error / least) / Math.max(Math.log(most / least), 1),
          text: (error * 100).toFixed(2),
          detail: `${percent(error)} at ${bitsPerWeight.toFixed(2)} bits per weight`,
        };
}

/** A row a layer, a column a linear. */
function linearGrid(
  label: string,
  modules: Modules,
  cellOf: (linear: LinearReport) => GridCell | undefined,
): Html {
  const columns = [...new Set(modules.flatMap(({ linears }) => linears.map(({ name }) => name)))];
  const layers = [...new Set(modules.map(({ layer }) => layer))];
  const rows = layers.map((layer) => {
    const linears = modules.filter((module) => module.layer === layer).flatMap((module) => module.linears);
    const cells = columns.map((column) => {
      const linear = linears.find(({ name }) => name === column);
      const cell = linear && cellOf(linear);
      return cell && { ...cell, detail: `layer ${layer}, ${column}: ${cell.detail}` };
    });
    return { name: `layer ${layer}`, cells };
  });
  return html`<div class="scroll">${gridPicture({ label, columns, rows })}</div>`;
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
