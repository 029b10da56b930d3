import { go } from '../../state/route.ts';
import { LAST_QUESTIONS } from '../last-questions.ts';
import { Guess } from './guess.tsx';

/** Below the last card: what is worth keeping, asked once more, and the way on. */
export function LastQuestions() {
  return (
    <section class="last-questions" aria-labelledby="last-questions">
      <h2 id="last-questions" tabIndex={-1}>
        Three questions
      </h2>
      <div class="questions">
        {LAST_QUESTIONS.map((each) => (
          <Guess key={each.question} card={each} />
        ))}
      </div>
      <button type="button" class="primary" onClick={() => go({ screen: 'start' })}>
        Now your own model
      </button>
    </section>
  );
}

/** Goes there from the card. */
export function toLastQuestions(): void {
  document.querySelector<HTMLElement>('#last-questions')?.focus();
}
