import { type Signal, signal } from '@preact/signals';
import type { CardText } from '../cards.ts';

/** What the reader has guessed, by card; it is kept while the page is open. */
const guesses = new Map<CardText, Signal<number | undefined>>();

export function guessOf(card: CardText): Signal<number | undefined> {
  const known = guesses.get(card) ?? signal<number | undefined>(undefined);
  guesses.set(card, known);
  return known;
}

/** A question, answered once the reader has guessed. */
export function Guess({ card }: { card: CardText }) {
  const guess = guessOf(card);
  const { question, choices, right, answer } = card;
  const made = guess.value;
  return (
    <fieldset class="guess">
      <legend>{question}</legend>
      <div class="choices">
        {choices.map((choice, i) => (
          <button
            key={choice}
            type="button"
            aria-pressed={made === i}
            class={made !== undefined && i === right ? 'right' : ''}
            onClick={() => {
              guess.value = i;
            }}
          >
            {choice}
          </button>
        ))}
      </div>
      <p role="status" class="answer">
        {made !== undefined && answer}
      </p>
    </fieldset>
  );
}
