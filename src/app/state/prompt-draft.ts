import { computed, signal } from '@preact/signals';
import type { TextRequest } from '../../inference/text-request.ts';

/** The prompt to try, and how it is to be continued; the same for all conversions. */
export class PromptDraft {
  readonly prompt = signal('Once upon a time, in a small village by the sea, there lived');
  readonly maxTokens = signal(100);
  /** 0: always the most likely token. */
  readonly temperature = signal(0);
  /** 0: all tokens. */
  readonly topK = signal(0);
  /** 1: all tokens. */
  readonly topP = signal(1);

  readonly request = computed<Omit<TextRequest, 'seed'>>(() => ({
    prompt: this.prompt.value,
    maxTokens: this.maxTokens.value,
    temperature: this.temperature.value,
    topK: this.topK.value,
    topP: this.topP.value,
  }));
}
