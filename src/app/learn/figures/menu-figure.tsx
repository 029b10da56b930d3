import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { moduleName, recipe } from '../../../learn/data/menu.ts';
import type { StoredMeasurement } from '../../../learn/data/stored-lessons.ts';
import { useLesson } from '../lesson-state.ts';
import { Loaded } from '../parts/figure.tsx';
import { RecipeMenu } from '../parts/recipe-menu.tsx';

/** What was measured of a module: bits against error of every recipe, and one recipe open. */
export function MenuFigure() {
  const answer = useLesson((api) => api.measurement(), []);
  return <Loaded of={answer.value}>{(data) => <Menu data={data} />}</Loaded>;
}

function Menu({ data }: { data: StoredMeasurement }) {
  const id = useId();
  const place = useSignal(0);
  const module = data.modules[place.value]!;
  return (
    <>
      <div class="row controls">
        <label for={id} class="note">
          Module
        </label>
        <select
          id={id}
          value={place.value}
          onChange={(event) => {
            place.value = Number(event.currentTarget.value);
          }}
        >
          {data.modules.map(({ key }, i) => (
            <option key={key} value={i}>
              {moduleName(key)}
            </option>
          ))}
        </select>
      </div>
      <RecipeMenu
        title={moduleName(module.key)}
        recipes={module.candidates.map((_, i) => recipe(data, module, i))}
      >
        Measured on {data.tokens} tokens, {data.made.date}.
      </RecipeMenu>
    </>
  );
}
