import { batch, computed, signal } from '@preact/signals';
import { proxy } from 'comlink';
import type { CoordinatorApi } from '../../../workers/api/coordinator.ts';
import type { ModelSource } from '../../../workers/api/folders.ts';
import type { TextSide, TextUpdate } from '../../../workers/api/texts.ts';
import type { TextRequest } from '../../inference/text-request.ts';
import { askForFolder } from '../platform/permission.ts';
import { type Failure, failureOf } from './loadable.ts';
import { findParting } from './parting.ts';
import { type TextView, WAITING, whenOver, withTextEvents } from './text-view.ts';

/** The texts of a conversion's original and of one of its outputs, from the same prompt. */
export class Comparison {
  /** Missing before the first prompt. */
  readonly texts = signal<Readonly<Record<TextSide, TextView>> | undefined>(undefined);
  /** What was continued. */
  readonly prompt = signal('');
  readonly running = signal(false);
  /** Why neither writes. */
  readonly failure = signal<Failure | undefined>(undefined);
  /** Once both texts are there, or a streamed original, which takes long over its own, has parted from the other. */
  readonly parting = computed(() => {
    const texts = this.texts.value;
    if (!texts || !isThere(texts.quantized)) return undefined;
    const { original, quantized } = texts;
    if (!this.running.value) return isThere(original) ? findParting(original, quantized) : undefined;
    if (original.residence !== 'streamed') return undefined;
    const parting = findParting(original, quantized);
    return parting.equal ? undefined : parting;
  });

  readonly #api: CoordinatorApi;
  readonly #id: string;
  readonly #bits: number;
  /** Each time other random numbers, the same for both. */
  #seed = 0;

  constructor(api: CoordinatorApi, id: string, bits: number) {
    this.#api = api;
    this.#id = id;
    this.#bits = bits;
  }

  /** Must be called from a click: after a reload the browser asks whether the folders may be read. */
  async write(request: Omit<TextRequest, 'seed'>): Promise<void> {
    batch(() => {
      this.running.value = true;
      this.failure.value = undefined;
      this.prompt.value = request.prompt;
      this.texts.value = { original: WAITING, quantized: WAITING };
    });
    try {
      await this.#askToRead();
      const all = { ...request, seed: this.#seed++ };
      await this.#api.write(this.#id, this.#bits, all, proxy(this.#receive));
      this.#settle();
    } catch (error) {
      batch(() => {
        this.failure.value = failureOf(error);
        this.texts.value = undefined;
      });
    } finally {
      this.running.value = false;
    }
  }

  async stop(): Promise<void> {
    await this.#api.stopWriting();
  }

  /** Takes the model's folder, chosen again, and tries once more. */
  async writeFrom(source: ModelSource, request: Omit<TextRequest, 'seed'>): Promise<void> {
    try {
      await this.#api.resume(this.#id, source);
    } catch (error) {
      this.failure.value = failureOf(error);
      return;
    }
    await this.write(request);
  }

  readonly #receive = ({ side, events }: TextUpdate): void => {
    const texts = this.texts.peek();
    if (texts) this.texts.value = { ...texts, [side]: withTextEvents(texts[side], events) };
  };

  #settle(): void {
    const texts = this.texts.peek();
    if (texts)
      this.texts.value = { original: whenOver(texts.original), quantized: whenOver(texts.quantized) };
  }

  /** Where that is refused, the model that cannot be read says so. */
  async #askToRead(): Promise<void> {
    for (const { handle } of await this.#api.handles(this.#id)) {
      await askForFolder(handle, 'read').catch(() => {});
    }
  }
}

const isThere = ({ state, tokens }: TextView): boolean =>
  state === 'ended' || (state === 'stopped' && tokens.length > 0);
