import { useEffect, useRef } from 'preact/hooks';
import { Masthead } from './components/masthead.tsx';
import { Notice } from './components/notice.tsx';
import { TabTitle } from './components/tab-title.tsx';
import { TermLayer } from './components/term.tsx';
import { InspectGate } from './inspect/inspect-gate.tsx';
import { LearnGate } from './learn/learn-gate.tsx';
import { focusHeading } from './platform/focus-heading.ts';
import { DemoScreen } from './screens/demo.tsx';
import { JobScreen } from './screens/job.tsx';
import { PlanScreen } from './screens/plan.tsx';
import { StartScreen } from './screens/start.tsx';
import { AppProvider, type AppState } from './state/app-state.ts';
import { formatRoute, route } from './state/route.ts';

/** The whole page. */
export function App({ state }: { state: AppState }) {
  useEffect(() => state.open(), [state]);
  useFocusOnScreens();
  const lost = state.lost.value;
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
        <Screen />
      </main>
      <TermLayer />
    </AppProvider>
  );
}

/** Each screen begins at its heading, for those who come by keyboard or hear the page; lessons see to theirs themselves. */
function useFocusOnScreens(): void {
  const present = formatRoute(route.value);
  const before = useRef(present);
  useEffect(() => {
    if (before.current === present) return;
    before.current = present;
    if (route.value.screen !== 'learn') focusHeading();
  }, [present]);
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
    case 'inspect':
      return <InspectGate {...present} />;
    case 'demo':
      return <DemoScreen />;
    case 'job':
      return <JobScreen key={present.id} id={present.id} shown="now" />;
    case 'choose':
      return <JobScreen key={present.id} id={present.id} shown="choice" />;
    case 'replay':
      return <JobScreen key={present.id} id={present.id} shown="replay" />;
  }
}
