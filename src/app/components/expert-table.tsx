import { useSignal } from '@preact/signals';
import type { ModuleFacts } from '../../../workers/api/model.ts';
import { formatPercent } from '../format.ts';
import { linearTitle } from '../module-words.ts';
import type { ExpertView } from '../state/expert-view.ts';

interface ExpertTableProps {
  readonly module: ModuleFacts;
  readonly experts: readonly ExpertView[];
}

/** The numbers of each expert. Drawn only while it is unfolded: there may be hundreds. */
export function ExpertTable({ module: { linears }, experts }: ExpertTableProps) {
  const open = useSignal(false);
  return (
    <details
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>Each expert</summary>
      {open.value && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is to be scrolled by keyboard
        <section class="expert-table" tabIndex={0} aria-label="Each expert">
          <table>
            <thead>
              <tr>
                <th scope="col">expert</th>
                <th scope="col">tokens</th>
                {linears.map((linear) => (
                  <th key={linear.name} scope="col">
                    {linearTitle(linear)}, %
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {experts.map(({ expert, tokens, errors }) => (
                <tr key={expert}>
                  <th scope="row">{expert}</th>
                  <td>{tokens ?? '·'}</td>
                  {linears.map(({ name }) => (
                    <td key={name}>{errors[name] === undefined ? '·' : formatPercent(errors[name])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
