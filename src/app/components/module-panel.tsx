import { moduleTitle } from '../settings.ts';
import { EMPTY_MODULE, type JobView } from '../state/job-view.ts';
import { ModuleChart } from './module-chart.tsx';

interface ModulePanelProps {
  readonly view: JobView;
  readonly moduleKey: string | undefined;
}

/** The module in question, with what its candidates cost. */
export function ModulePanel({ view, moduleKey }: ModulePanelProps) {
  const module =
    view.record.model.modules.find(({ key }) => key === moduleKey) ?? view.record.model.modules[0];
  if (!module) return null;
  const title = moduleTitle(module);
  return (
    <section class="panel" aria-label="Module">
      <h2>{title.charAt(0).toUpperCase() + title.slice(1)}</h2>
      <ModuleChart module={module} view={view.modules.get(module.key) ?? EMPTY_MODULE} bits={view.bits} />
    </section>
  );
}
