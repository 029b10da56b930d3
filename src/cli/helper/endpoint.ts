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
 */
export function processEndpoint(peer: Peer, large: LargeData): Endpoint {
  type Listener = Parameters<Endpoint['addEventListener']>[1];
  const handlers = new Map<Listener, (message: unknown) => void>();
  let sending = Promise.resolve();
  return {
    postMessage(message) {
      const put = large.put(message);
      put.catch(() => {}); // below
      sending = sending.then(async () => {
        // Where there is no room for files, the channel takes it all.
        const sent = await put.catch(() => message);
        // Without a callback a message that comes too late would be an error that nobody catches.
        peer.send?.(sent, undefined, undefined, () => {});
      });
    },
    addEventListener(_, listener) {
      let arriving = Promise.resolve();
      const handler = (message: unknown) => {
        const taken = large.take(message);
        arriving = arriving.then(async () => {
          const event = { data: await taken } as MessageEvent;
          if ('handleEvent' in listener) listener.handleEvent(event);
          else listener(event);
        });
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
