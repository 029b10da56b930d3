import { type Signal, signal } from '@preact/signals';

/** A question with some answers to choose from. */
export interface GuessText {
  readonly question: string;
  readonly choices: readonly string[];
  /** Of the choices. */
  readonly right: number;
  /** What is said once one is chosen; of several: to each choice its own. */
  readonly answer: string | readonly string[];
}

/** What the reader has guessed; it is kept while the page is open. */
const guesses = new Map<GuessText, Signal<number | undefined>>();

export function guessOf(card: GuessText): Signal<number | undefined> {
  const known = guesses.get(card) ?? signal<number | undefined>(undefined);
  guesses.set(card, known);
  return known;
}

/** A question, answered once the reader has guessed. */
export function Guess({ card }: { card: GuessText }) {
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
        {made !== undefined && (typeof answer === 'string' ? answer : answer[made])}
      </p>
    </fieldset>
  );
}
