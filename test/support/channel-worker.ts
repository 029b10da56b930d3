import { expose } from 'comlink';

/** Stands for a worker: what it answers comes through a channel. */
export class ChannelWorker {
  onerror: ((event: object) => void) | undefined;
  terminated = false;
  readonly #channel = new MessageChannel();
  readonly postMessage = this.#channel.port1.postMessage.bind(this.#channel.port1);
  readonly addEventListener = this.#channel.port1.addEventListener.bind(this.#channel.port1);
  readonly removeEventListener = this.#channel.port1.removeEventListener.bind(this.#channel.port1);

  /** @param api what is in the worker. */
  answerWith(api: object): void {
    expose(api, this.#channel.port2);
    this.#channel.port1.start();
  }

  terminate(): void {
    this.terminated = true;
    this.#channel.port1.close();
  }
}
