import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JobRecord } from '../../../workers/api/jobs.ts';
import type { InspectedLinear } from '../../learn/kept/inspected.ts';
import { Facts } from '../components/facts.tsx';
import { Notice } from '../components/notice.tsx';
import '../learn/figures/figures.css';
import '../learn/figures/texts.css';
import '../learn/learn.css';
import { formatBits } from '../format.ts';
import { linearTitle } from '../module-words.ts';
import { focusHeading } from '../platform/focus-heading.ts';
import { NoJob } from '../screens/job.tsx';
import { useApp } from '../state/app-state.ts';
import { EMPTY_MODULE } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { type Loadable, latestValue } from '../state/loadable.ts';
import { formatRoute, type InspectRoute } from '../state/route.ts';
import { InspectFigure } from './inspect-figure.tsx';
import './inspect.css';
import {
  CARD_LINKS,
  INSPECT_CARDS,
  type InspectedPlace,
  inspectTitle,
  linearAddress,
  placeAt,
} from './titles.ts';
import { useInspected } from './use-inspected.ts';
import { cardText, counted } from './words.ts';

/** A card of the lessons on what a job has kept of one of its linears, also while it runs. */
export function InspectScreen(route: InspectRoute) {
  const { jobs } = useApp();
  const known = jobs.ids.value.includes(route.id);
  useEffect(() => {
    if (known) void jobs.recall(route.id);
  }, [jobs, route.id, known]);
  const job = known ? jobs.get(route.id) : undefined;
  if (!job) return jobs.loaded.value ? <NoJob /> : <p class="lead">Looking for the conversion…</p>;
  const place = placeAt(job.record.value.model, route.linear);
  if (!place) return <NoLinear record={job.record.value} linear={route.linear} />;
  return <Inspected route={route} job={job} place={place} />;
}

interface InspectedProps {
  readonly route: InspectRoute;
  readonly job: LiveJob;
  readonly place: InspectedPlace;
}

function Inspected({ route, job, place }: InspectedProps) {
  const { record } = job.view.value;
  const view = job.view.value.modules.get(place.module.key) ?? EMPTY_MODULE;
  const { answer, again } = useInspected(route, place, record, view);
  const isOpen = useSignal(false);
  useEffect(() => {
    // The screen was on its way when the address changed.
    if (!isOpen.value && document.activeElement?.tagName === 'MAIN') focusHeading();
    isOpen.value = true;
  }, [isOpen]);
  const title = inspectTitle(route.card, place);
  return (
    <>
      <header class="inspect-head">
        <a href={formatRoute({ screen: 'job', id: record.id })}>← {record.modelName}</a>
        <h1>{title}</h1>
      </header>
      <div class="learn inspect">
        <section key={route.card} class="stage" aria-label={`Figure: ${title}`}>
          <InspectFigure {...{ route, job, place, again }} answer={answer.value} />
        </section>
        <article class="lesson-card" aria-label="What the figure shows">
          <p>{cardText(route.card)}</p>
          <Turns route={route} place={place} />
          <LinearFacts record={record} route={route} place={place} answer={answer.value} />
          <p class="note">
            <a href={formatRoute({ screen: 'learn', card: route.card })}>The idea, step by step</a>: card{' '}
            {route.card} of the lessons, on the bundled model.
          </p>
        </article>
      </div>
    </>
  );
}

/** To the other cards, and to the module's other linears. */
function Turns({ route, place: { module, linear } }: Pick<InspectedProps, 'route' | 'place'>) {
  const isHere = (here: boolean) => (here ? 'page' : undefined);
  return (
    <nav class="turns" aria-label="Figures of this module">
      <ul>
        {INSPECT_CARDS.map((card) => (
          <li key={card}>
            <a href={formatRoute({ ...route, card })} aria-current={isHere(card === route.card)}>
              {CARD_LINKS[card]}
            </a>
          </li>
        ))}
      </ul>
      {route.card !== 6 && (
        <ul>
          {module.linears.map((each) => (
            <li key={each.name}>
              <a
                class="number"
                href={formatRoute({ ...route, linear: linearAddress(module, each) })}
                aria-current={isHere(each === linear)}
              >
                {linearTitle(each)}
              </a>
            </li>
          ))}
        </ul>
      )}
    </nav>
  );
}

interface LinearFactsProps {
  readonly record: JobRecord;
  readonly route: InspectRoute;
  readonly place: InspectedPlace;
  readonly answer: Loadable<InspectedLinear>;
}

/** Whose data it is. */
function LinearFacts({ record, route, place: { module, linear }, answer }: LinearFactsProps) {
  const key = latestValue(answer)?.key;
  const { k, n } = linear;
  return (
    <Facts
      of={[
        ['Model', record.modelName],
        ...(route.card === 6
          ? ([['Module', <code>{module.key}</code>]] as const)
          : ([
              ['Linear', <code>{key ?? route.linear}</code>],
              ['Inputs × outputs', `${counted(k)} × ${counted(n)}`],
            ] as const)),
        ...(module.experts !== undefined && route.card !== 6
          ? ([['Experts', `the first of ${module.experts}`]] as const)
          : []),
        ['Bitrate', `${formatBits(route.bits)} bpw`],
      ]}
    />
  );
}

function NoLinear({ record, linear }: { record: JobRecord; linear: string }) {
  return (
    <>
      <h1>{record.modelName}</h1>
      <Notice
        kind="problem"
        title="This model has no such linear"
        actions={
          <a class="button" href={formatRoute({ screen: 'job', id: record.id })}>
            To the conversion
          </a>
        }
      >
        {linear} is none of the linears that this conversion quantizes. Choose one in its grid.
      </Notice>
    </>
  );
}
