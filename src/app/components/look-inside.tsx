import type { LinearFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { CARD_LINKS, type InspectCard, linearAddress } from '../inspect/titles.ts';
import { linearTitle } from '../module-words.ts';
import { formatRoute } from '../state/route.ts';

interface LookInsideProps {
  readonly module: ModuleFacts;
  /** Of the job. */
  readonly id: string;
  /** Which of its bitrates. */
  readonly bits: number;
}

/** Links to the figures of each linear, with what the job has kept of it. */
export function LookInside({ module, id, bits }: LookInsideProps) {
  const link = (linear: LinearFacts, card: InspectCard) => (
    <a
      href={formatRoute({
        ...{ screen: 'inspect', id, linear: linearAddress(module, linear), bits, card },
      })}
    >
      {CARD_LINKS[card]}
      {card !== 6 && <span class="hidden">: {linearTitle(linear)}</span>}
    </a>
  );
  return (
    <div class="look-inside">
      <h3>Look inside</h3>
      <ul>
        {module.linears.map((linear) => (
          <li key={linear.name}>
            <span class="number">{linearTitle(linear)}</span>
            {link(linear, 2)}
            {link(linear, 4)}
          </li>
        ))}
      </ul>
      <p>{link(module.linears[0]!, 6)}</p>
    </div>
  );
}
