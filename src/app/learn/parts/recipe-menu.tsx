import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Recipe } from '../../../learn/data/menu.ts';
import { menuOf } from '../../../learn/data/share.ts';
import { Chart, linePoints } from '../../components/chart.tsx';
import { formatBits, formatPercent } from '../../format.ts';
import { bitsStep, logRange } from '../../scales.ts';

interface RecipeMenuProps {
  /** Of the module. */
  readonly title: string;
  readonly recipes: readonly Recipe[];
  /** One that is open at first, and what it is. */
  readonly first?: { readonly recipe: Recipe; readonly words: string } | undefined;
  readonly children: ComponentChildren;
}

/** Bits against error of every recipe of a module, and one recipe open. */
export function RecipeMenu({ title, recipes, first, children }: RecipeMenuProps) {
  const id = useId();
  const byBits = recipes.toSorted((a, b) => a.bitsPerWeight - b.bitsPerWeight);
  const chosen = useSignal(first ? byBits.indexOf(first.recipe) : Math.floor(recipes.length / 2));
  const at = Math.min(chosen.value, recipes.length - 1);
  const open = byBits[at]!;
  const candidates = recipes.map(({ bitsPerWeight: bits, error }) => ({ bits, error }));
  return (
    <>
      <Dots
        recipes={recipes}
        frontier={menuOf({ candidates }).map((index) => recipes[index]!)}
        open={open}
        title={title}
        onChoose={(which) => {
          chosen.value = byBits.indexOf(which);
        }}
      />
      <label for={id} class="hidden">
        Recipe, by bits
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={recipes.length - 1}
        value={at}
        aria-valuetext={`${formatBits(open.bitsPerWeight)} bits per weight, error ${formatPercent(open.error)} %`}
        onInput={(event) => {
          chosen.value = event.currentTarget.valueAsNumber;
        }}
      />
      <RecipeCard recipe={open} words={open === first?.recipe ? first.words : ''} />
      <p class="note">{children}</p>
    </>
  );
}

interface DotsProps {
  readonly recipes: readonly Recipe[];
  readonly frontier: readonly Recipe[];
  readonly open: Recipe;
  readonly title: string;
  readonly onChoose: (recipe: Recipe) => void;
}

function Dots({ recipes, frontier, open, title, onChoose }: DotsProps) {
  return (
    <Chart
      title={`Error against bits of ${recipes.length} recipes of ${title}`}
      x={{ range: [2, 8.6], label: 'bits per weight', format: String }}
      y={{
        range: logRange(recipes.map(({ error }) => error)),
        label: 'error of the module, %',
        format: (value) => String(Number((value * 100).toPrecision(2))),
        logarithmic: true,
      }}
    >
      {({ x, y }) => (
        <>
          <polyline
            class="curve"
            points={linePoints(frontier.map(({ bitsPerWeight, error }) => [x(bitsPerWeight), y(error)]))}
          />
          {[...recipes.filter((each) => each !== open), open].map((each) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the slider below does the same by keyboard
            <circle
              key={recipes.indexOf(each)}
              class={each === open ? 'point chosen' : 'point'}
              cx={x(each.bitsPerWeight)}
              cy={y(each.error)}
              r={each === open ? 4.5 : 2.8}
              onClick={() => onChoose(each)}
            />
          ))}
          <StarvedNames recipes={recipes.filter(isLeft)} x={(bits) => x(bits) - 6} y={y} anchor="end" />
          <StarvedNames
            recipes={recipes.filter((each) => !isLeft(each))}
            x={(bits) => x(bits) + 6}
            y={y}
            anchor="start"
          />
        </>
      )}
    </Chart>
  );
}

/** Whether a name stands before its dot: the recipes that starve a linear are in two columns. */
const isLeft = ({ bitsPerWeight }: Recipe): boolean => bitsPerWeight < 6.7;

/** In the chart's own units. */
const LABEL_HEIGHT = 8;

interface StarvedNamesProps {
  readonly recipes: readonly Recipe[];
  readonly x: (bits: number) => number;
  readonly y: (error: number) => number;
  readonly anchor: 'start' | 'end';
}

/** Names the recipes that starve a linear, from the top, none over another. */
function StarvedNames({ recipes, x, y, anchor }: StarvedNamesProps) {
  const starved = recipes.filter((each) => each.starved).sort((a, b) => b.error - a.error);
  const places: number[] = [];
  for (const { error } of starved) places.push(Math.max(y(error) + 2, (places.at(-1) ?? 0) + LABEL_HEIGHT));
  return (
    <>
      {starved.map((each, i) => (
        <text key={each.starved} x={x(each.bitsPerWeight)} y={places[i]} text-anchor={anchor}>
          {shortName(each.starved!)} starved
        </text>
      ))}
    </>
  );
}

const shortName = (linear: string): string => linear.replace('_proj', '');

/** A bar for each linear: its rows by their bits. */
function RecipeCard({ recipe, words }: { recipe: Recipe; words: string }) {
  const { bitsPerWeight, error, linears, starved } = recipe;
  return (
    <div class="recipe">
      <p>
        <span class="number">{formatBits(bitsPerWeight)}</span> bits per weight, error{' '}
        <span class="number">{formatPercent(error)}</span> %
        {starved && `: ${shortName(starved)} alone has 2 bits, the others 8`}
        {words}
      </p>
      {linears.map(({ name, setting, parts }) => (
        <div key={name} class="recipe-line">
          <code>{shortName(name)}</code>
          <div class="recipe-bar" role="img" aria-label={`${name}: ${setting}`}>
            {parts.map(({ bits, share }) => (
              <span key={bits} class={`b${bitsStep(bits)}`} style={{ width: `${share * 100}%` }}>
                {share > 0.09 ? bits : ''}
              </span>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}
