import type { LinearFacts, ModuleFacts } from '../../../workers/api/model.ts';
import { CARD_LINKS, type InspectCard, linearAddress } from '../inspect/titles.ts';
import { capitalized, linearTitle, moduleTitle } from '../module-words.ts';
import { EMPTY_MODULE, type JobView } from '../state/job-view.ts';
import { formatRoute } from '../state/route.ts';
import { ExpertChart } from './expert-chart.tsx';
import { ModuleChart } from './module-chart.tsx';

interface ModulePanelProps {
  readonly view: JobView;
  readonly moduleKey: string | undefined;
  /** It is of a job of this browser, which has kept what its linears hear and how they were rounded. */
  readonly looksInside?: boolean;
}

/** The module in question, with what its candidates cost. */
export function ModulePanel({ view, moduleKey, looksInside = false }: ModulePanelProps) {
  const module =
    view.record.model.modules.find(({ key }) => key === moduleKey) ?? view.record.model.modules[0];
  if (!module) return null;
  const moduleView = view.modules.get(module.key) ?? EMPTY_MODULE;
  return (
    <section class="panel" aria-label="Module">
      <h2>{capitalized(moduleTitle(module))}</h2>
      <ModuleChart module={module} view={moduleView} bits={view.bits} />
      <ExpertChart module={module} view={moduleView} />
      {looksInside && <LookInside module={module} view={view} />}
    </section>
  );
}

interface LookInsideProps {
  readonly module: ModuleFacts;
  readonly view: JobView;
}

/** Links to the figures of each linear, with what the job has kept of it. */
function LookInside({ module, view }: LookInsideProps) {
  const link = (linear: LinearFacts, card: InspectCard) => (
    <a
      href={formatRoute({
        ...{ screen: 'inspect', id: view.record.id, linear: linearAddress(module, linear) },
        ...{ bits: view.bits, card },
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
