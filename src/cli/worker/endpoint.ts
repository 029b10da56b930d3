import type { Endpoint } from 'comlink';
import type { LargeData } from './large-data.ts';

/** The end of a channel between processes: a child process, or the process itself. */
export interface Peer {
  send?(message: unknown, handle: undefined, options: undefined, callback: () => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
}

/**
 * A process's channel as comlink talks through it; messages arrive in the order in which they were sent, large or
 * small. What is sent after its end is lost; who waits learns of the end.
 * @param failed told when a message cannot be sent or read: there will be no answer to it.
 */
export function processEndpoint(peer: Peer, large: LargeData, failed: (error: Error) => void): Endpoint {
  type Listener = Parameters<Endpoint['addEventListener']>[1];
  const handlers = new Map<Listener, (message: unknown) => void>();
  let sending = Promise.resolve();
  return {
    postMessage(message) {
      const put = large.put(message);
      put.catch(() => {}); // when its turn comes
      sending = sending
        .then(async () => {
          // Without a callback a message that comes too late would be an error that nobody catches.
          peer.send?.(await put, undefined, undefined, () => {});
        })
        .catch(failed);
    },
    addEventListener(_, listener) {
      let arriving = Promise.resolve();
      const handler = (message: unknown) => {
        const taken = large.take(message);
        taken.catch(() => {}); // when its turn comes
        arriving = arriving
          .then(async () => {
            const event = { data: await taken } as MessageEvent;
            if ('handleEvent' in listener) listener.handleEvent(event);
            else listener(event);
          })
          .catch(failed);
      };
      handlers.set(listener, handler);
      peer.on('message', handler);
    },
    removeEventListener(_, listener) {
      const handler = handlers.get(listener);
      if (handler) peer.off('message', handler);
      handlers.delete(listener);
    },
  };
}
