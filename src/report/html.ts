/** HTML as text: what comes from files and events is escaped here and nowhere else. */

import { visible } from '../util/text/plain-text.ts';

/** Markup that is known to be whole and harmless. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[];

/** A template whose values are escaped, unless they are markup themselves. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { markup: strings.map((text, i) => text + (i < values.length ? render(values[i]!) : '')).join('') };
}

export const NOTHING: Html = { markup: '' };

function render(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  visible(text).replace(/[&<>"']/g, (char) => ENTITIES[char]!);

/** A table; the first column names the row. */
export function table(head: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  const cell = (value: string | Html, i: number) =>
    i === 0 ? html`<th scope="row">${value}</th>` : html`<td>${value}</td>`;
  return html`<div class="scroll"><table>
<thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</tbody>
</table></div>`;
}
