import { useEffect } from 'preact/hooks';
import { Masthead } from './components/masthead.tsx';
import { Notice } from './components/notice.tsx';
import { TabTitle } from './components/tab-title.tsx';
import { TermLayer } from './components/term.tsx';
import { LearnGate } from './learn/learn-gate.tsx';
import { JobScreen } from './screens/job.tsx';
import { PlanScreen } from './screens/plan.tsx';
import { StartScreen } from './screens/start.tsx';
import { AppProvider, type AppState } from './state/app-state.ts';
import { route } from './state/route.ts';

/** The whole page. */
export function App({ state }: { state: AppState }) {
  useEffect(() => state.open(), [state]);
  const lost = state.lost.value;
  const trouble = state.trouble.value;
  return (
    <AppProvider value={state}>
      <TabTitle />
      <Masthead />
      <main>
        {lost && (
          <Notice
            kind="problem"
            title="Reload the page"
            actions={
              <button type="button" class="primary" onClick={() => location.reload()}>
                Reload
              </button>
            }
          >
            {lost}
          </Notice>
        )}
        {trouble && (
          <Notice kind="problem" title="That did not work">
            {trouble}
          </Notice>
        )}
        <Screen />
      </main>
      <TermLayer />
    </AppProvider>
  );
}

function Screen() {
  const present = route.value;
  switch (present.screen) {
    case 'start':
      return <StartScreen />;
    case 'plan':
      return <PlanScreen />;
    case 'learn':
      return <LearnGate card={present.card} />;
    case 'job':
      return <JobScreen key={present.id} id={present.id} another={false} />;
    case 'choose':
      return <JobScreen key={present.id} id={present.id} another={true} />;
  }
}
