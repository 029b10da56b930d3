import { capitalized, moduleTitle } from '../module-words.ts';
import { EMPTY_MODULE, type JobView } from '../state/job-view.ts';
import { ExpertChart } from './expert-chart.tsx';
import { LookInside } from './look-inside.tsx';
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
      {looksInside && <LookInside module={module} id={view.record.id} bits={view.bits} />}
    </section>
  );
}
