import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { HeardInput, InspectedLinear } from '../../learn/kept/inspected.ts';
import { Notice } from '../components/notice.tsx';
import { RecipeMenu } from '../learn/parts/recipe-menu.tsx';
import { capitalized, moduleTitle } from '../module-words.ts';
import { askForFolder } from '../platform/permission.ts';
import { useApp } from '../state/app-state.ts';
import { EMPTY_MODULE } from '../state/job-view.ts';
import type { LiveJob } from '../state/live-job.ts';
import { failureOf, type Loadable, latestValue } from '../state/loadable.ts';
import type { InspectRoute } from '../state/route.ts';
import { HeardFigure } from './heard-figure.tsx';
import { RoundedFigure } from './rounded-figure.tsx';
import { type InspectedPlace, linearAddress } from './titles.ts';
import { recipesOf, takenTrial } from './trial-recipes.ts';
import { type Missing, nothingHeard, nothingRounded } from './words.ts';

interface InspectFigureProps {
  readonly route: InspectRoute;
  readonly job: LiveJob;
  readonly place: InspectedPlace;
  readonly answer: Loadable<InspectedLinear>;
  readonly again: () => void;
}

/** The figure of the card, or why there is none. */
export function InspectFigure(props: InspectFigureProps) {
  const { route, job, place, answer } = props;
  if (route.card === 6) return <MenuOfModule {...props} />;
  if (answer.state === 'failed') {
    return (
      <Notice kind="problem" title="This cannot be shown">
        {answer.failure.message}
      </Notice>
    );
  }
  const found = latestValue(answer);
  if (!found) return <p class="note figure-wait">Reading what is kept…</p>;
  const { record, modules } = job.view.value;
  const { heard, rounded } = found;
  if (route.card === 2) {
    if (heard) return <Heard id={record.id} heard={heard} />;
    const view = modules.get(place.module.key) ?? EMPTY_MODULE;
    return <Nothing why={nothingHeard(record, route.bits, view)} {...props} />;
  }
  if (!rounded) return <Nothing why={nothingRounded(record, route.bits)} {...props} />;
  return (
    <>
      <RoundedFigure key={found.key} rounded={rounded} heard={heard} error={errorOf(props)} />
      {!rounded.original && (
        <div class="row">
          <p class="note">The original weights are in the model’s folder, which the page cannot read now.</p>
          <AllowFolders {...props} />
        </div>
      )}
    </>
  );
}

function Heard({ id, heard }: { id: string; heard: HeardInput }) {
  return <HeardFigure heard={heard} text={useCalibrationText(id)} />;
}

/** How the text begins that the job measures with. */
function useCalibrationText(id: string): string | undefined {
  const { api } = useApp();
  const text = useSignal<string | undefined>(undefined);
  useEffect(() => {
    text.value = undefined;
    api.calibrationText(id).then(
      (begin) => {
        text.value = begin;
      },
      () => {}, // the figures say all else without it
    );
  }, [api, id, text]);
  return text.value;
}

/** Of the linear's own output, at the bitrate that is shown. */
function errorOf({ route, job, place: { module, linear } }: InspectFigureProps): number | undefined {
  const { record, bits, modules } = job.view.value;
  const result = record.results.find((each) => each.bits === route.bits);
  const live = bits === route.bits ? modules.get(module.key)?.linearErrors[linear.name] : undefined;
  return result?.linearErrors?.[linearAddress(module, linear)] ?? live;
}

function MenuOfModule({ route, job, place: { module } }: InspectFigureProps) {
  const { record, modules } = job.view.value;
  const view = modules.get(module.key) ?? EMPTY_MODULE;
  const trials = view.trials.filter((trial) => trial !== undefined);
  const taken = takenTrial(record, route.bits, module, view);
  const recipes = recipesOf(module, trials);
  const first = recipes.find(({ trial }) => trial.candidate === taken.candidate);
  if (recipes.length === 0) {
    return (
      <Notice kind="info" title="This module has not been measured yet">
        Its recipes are shown here as they are tried.
      </Notice>
    );
  }
  return (
    <RecipeMenu
      key={module.key}
      title={capitalized(moduleTitle(module))}
      recipes={recipes.map(({ recipe }) => recipe)}
      first={first && { ...first, words: taken.words }}
    >
      {recipes.length} recipes{view.measured ? '' : ' so far'}, each measured on this model’s calibration
      text.
    </RecipeMenu>
  );
}

function Nothing({ why, ...props }: { why: Missing } & InspectFigureProps) {
  return (
    <Notice kind="info" title={why.title} actions={why.locked && <AllowFolders {...props} />}>
      {why.text}
    </Notice>
  );
}

/** Browsers give folders of an earlier visit at a click only. */
function AllowFolders({ route, again }: InspectFigureProps) {
  const { api } = useApp();
  const refused = useSignal<string | undefined>(undefined);
  const allow = async () => {
    refused.value = undefined;
    try {
      for (const { handle, mode } of await api.handles(route.id)) await askForFolder(handle, mode);
      again();
    } catch (error) {
      refused.value = failureOf(error).message;
    }
  };
  return (
    <>
      <button type="button" onClick={() => void allow()}>
        Allow the folders
      </button>
      {refused.value && <p role="alert">{refused.value}</p>}
    </>
  );
}
