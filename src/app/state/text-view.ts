import type { TextEvent } from '../../../workers/api/texts.ts';
import type { LikelyToken } from '../../inference/likely-tokens.ts';
import type { TextEnd } from '../../inference/text-request.ts';
import type { Residence } from '../../runnable/residence.ts';
import type { Failure } from './loadable.ts';

export interface TextToken {
  readonly id: number;
  readonly text: string;
  /** What could have stood here, the likeliest first. */
  readonly likely: readonly LikelyToken[];
}

/** How far a model has come with a prompt. */
export type TextState = 'waiting' | 'loading' | 'reading' | 'writing' | 'ended' | 'stopped' | 'failed';

/** One model's text, as far as it is written. */
export interface TextView {
  readonly state: TextState;
  /** 0…1, of the modules that are on the GPU. */
  readonly loaded: number;
  /** Where its weights are, once that is known. */
  readonly residence?: Residence;
  /** 0…1, of the modules of the run under way; only where they are streamed. */
  readonly run?: number;
  readonly tokens: readonly TextToken[];
  /** Of the prompt, once it is read. */
  readonly promptSeconds?: number;
  /** Missing before the second token. */
  readonly tokensPerSecond?: number;
  readonly end?: TextEnd;
  readonly failure?: Failure & {
    /** Before the model was loaded: its files may be out of reach. */
    readonly opening: boolean;
  };
}

export const WAITING: TextView = { state: 'waiting', loaded: 0, tokens: [] };

/** The view after a batch of events. */
export const withTextEvents = (view: TextView, events: readonly TextEvent[]): TextView =>
  events.reduce(apply, view);

function apply(view: TextView, event: TextEvent): TextView {
  switch (event.type) {
    case 'placed':
      return { ...view, residence: event.residence };
    case 'loading': {
      // Loading also begins a second attempt, after memory has run out.
      const state = event.done < event.total ? 'loading' : 'reading';
      const { residence } = view;
      return { state, loaded: event.done / event.total, tokens: [], ...(residence && { residence }) };
    }
    case 'run':
      return { ...view, run: event.done / event.total };
    case 'token':
      return { ...view, state: 'writing', tokens: [...view.tokens, tokenOf(event)] };
    case 'speed': {
      const { promptSeconds, tokensPerSecond } = event;
      return { ...view, promptSeconds, ...(tokensPerSecond > 0 && { tokensPerSecond }) };
    }
    case 'ended':
      return { ...view, state: 'ended', end: event.end };
    case 'failed': {
      const opening = view.state === 'waiting' || view.state === 'loading';
      return { ...view, state: 'failed', failure: { name: event.name, message: event.message, opening } };
    }
  }
}

const tokenOf = ({ id, text, likely }: Extract<TextEvent, { type: 'token' }>): TextToken => ({
  id,
  text,
  likely,
});

/** The view when all is over: who has not ended by then was stopped. */
export const whenOver = (view: TextView): TextView =>
  view.state === 'ended' || view.state === 'failed' ? view : { ...view, state: 'stopped' };
