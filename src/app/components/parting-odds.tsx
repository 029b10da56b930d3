import { useId } from 'preact/hooks';
import { formatPercent } from '../format.ts';
import type { Odds, Parting } from '../state/parting.ts';
import { Term } from './term.tsx';

/** What both models gave the tokens between which the texts part. */
export function PartingOdds({ parting: { odds, original, quantized }, name }: PartingOddsProps) {
  const id = useId();
  if (odds.length === 0) return null;
  return (
    <section class="panel parting" aria-labelledby={id}>
      <h3 id={id}>Where they part: which token comes next?</h3>
      <div class="table-box">
        <table class="odds">
          <thead>
            <tr>
              <th scope="col">
                <Term of="token" />
              </th>
              <th scope="col">original</th>
              <th scope="col">{name}</th>
            </tr>
          </thead>
          <tbody>
            {odds.map((token) => (
              <tr key={token.id}>
                <th scope="row">
                  <code>{visibleToken(token.text)}</code>
                </th>
                <OddsCell odds={token.original} taken={token.id === original.own?.id} />
                <OddsCell odds={token.quantized} taken={token.id === quantized.own?.id} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        Probabilities after the same text, by each model; framed: what it took. From here on they tell
        different stories, so nothing more is compared.
      </p>
    </section>
  );
}

interface PartingOddsProps {
  readonly parting: Parting;
  /** Of the quantized model. */
  readonly name: string;
}

function OddsCell({ odds: { probability, atMost }, taken }: { odds: Odds; taken: boolean }) {
  return (
    <td class={taken ? 'taken' : undefined}>
      <span class="odds-bar" style={{ width: `${100 * (atMost ? 0 : probability)}%` }} aria-hidden="true" />
      <span class="number">
        {atMost && 'below '}
        {formatPercent(probability)} %
      </span>
      {taken && <span class="hidden"> (taken)</span>}
    </td>
  );
}

/** Spaces and line breaks are what tokens often are. */
export const visibleToken = (text: string): string =>
  text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') || '∅';
