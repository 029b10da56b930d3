import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { formatRoute, go } from '../state/route.ts';
import { CARDS } from './cards.ts';
import { CostFigure } from './figures/cost-figure.tsx';
import { MakeUpFigure } from './figures/make-up-figure.tsx';
import { MenuFigure } from './figures/menu-figure.tsx';
import { RulerFigure } from './figures/ruler-figure.tsx';
import { ShareFigure } from './figures/share-figure.tsx';
import { SweepFigure } from './figures/sweep-figure.tsx';
import { TokensFigure } from './figures/tokens-figure.tsx';
import { TrapFigure } from './figures/trap-figure.tsx';
import './figures/figures.css';
import './figures/texts.css';
import './learn.css';
import { presenting } from './lesson-state.ts';
import { Guess } from './parts/guess.tsx';
import { LastQuestions, toLastQuestions } from './parts/last-questions.tsx';
import { LESSON_TITLES } from './titles.ts';

/** Of each card, in their order. */
const FIGURES: readonly ComponentType[] = [
  RulerFigure,
  TokensFigure,
  MakeUpFigure,
  SweepFigure,
  TrapFigure,
  MenuFigure,
  ShareFigure,
  CostFigure,
];

/** A figure that the reader moves, and beside it the card that says what it shows. */
export function LearnScreen({ card }: { card: number }) {
  const heading = useHeadingFocus(card);
  useArrowKeys(card);
  usePresenting();
  const Figure = FIGURES[card - 1]!;
  const text = CARDS[card - 1]!;
  return (
    <div class="learn">
      <section key={card} class="stage" aria-label={`Figure: ${LESSON_TITLES[card - 1]}`}>
        <Figure />
      </section>
      <article class="lesson-card" aria-labelledby="lesson">
        <Rail card={card} />
        <h1 id="lesson" ref={heading} tabIndex={-1}>
          {LESSON_TITLES[card - 1]}
        </h1>
        <p>{text.text}</p>
        <Guess key={card} card={text} />
        <Turn card={card} />
      </article>
      {card === LESSON_TITLES.length && <LastQuestions />}
    </div>
  );
}

/** The heading has the focus after every turn, but not when the page has just been opened. */
function useHeadingFocus(card: number) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(card);
  useEffect(() => {
    if (shown.current !== card) heading.current?.focus({ preventScroll: true });
    shown.current = card;
  }, [card]);
  return heading;
}

const turnTo = (card: number): void => {
  if (card >= 1 && card <= LESSON_TITLES.length) go({ screen: 'learn', card });
};

/** Left and right turn the cards, but where they move something else. */
function useArrowKeys(card: number): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const from = event.target instanceof Element ? event.target : undefined;
      if (event.altKey || event.ctrlKey || event.metaKey || from?.closest('input, textarea, select')) return;
      if (event.key === 'ArrowLeft') turnTo(card - 1);
      if (event.key === 'ArrowRight') turnTo(card + 1);
      if (event.key === 'Escape') presenting.value = false;
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [card]);
}

/** The whole page knows, as it hides what is around the lessons; it is over when they are left. */
function usePresenting(): void {
  const on = presenting.value;
  useEffect(() => {
    document.documentElement.classList.toggle('presenting', on);
    return () => document.documentElement.classList.remove('presenting');
  }, [on]);
}

function Rail({ card }: { card: number }) {
  return (
    <nav class="rail" aria-label="Cards">
      <ol>
        {LESSON_TITLES.map((title, i) => (
          <li key={title}>
            <a
              href={formatRoute({ screen: 'learn', card: i + 1 })}
              aria-current={i + 1 === card ? 'step' : undefined}
              aria-label={`${i + 1}: ${title}`}
            >
              {i + 1}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Turn({ card }: { card: number }) {
  const last = card === LESSON_TITLES.length;
  return (
    <div class="turn">
      <button type="button" disabled={card === 1} onClick={() => turnTo(card - 1)}>
        Back
      </button>
      {last ? (
        <button type="button" class="primary" onClick={toLastQuestions}>
          Three questions
        </button>
      ) : (
        <button type="button" class="primary" onClick={() => turnTo(card + 1)}>
          Next
        </button>
      )}
      <button
        type="button"
        class="quiet present"
        aria-pressed={presenting.value}
        onClick={() => {
          presenting.value = !presenting.value;
        }}
      >
        {presenting.value ? 'End presenting' : 'Present'}
      </button>
    </div>
  );
}
