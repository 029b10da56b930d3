import type { Endpoint } from 'comlink';
import type { LargeData } from './large-data.ts';

/** The end of a channel between processes: a child process, or the process itself. */
export interface Peer {
  send?(message: unknown, handle: undefined, options: undefined, callback: () => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
}

/** A process's channel as comlink talks through it. What is sent after its end is lost; who waits learns of the end. */
export function processEndpoint(peer: Peer, large: LargeData): Endpoint {
  type Listener = Parameters<Endpoint['addEventListener']>[1];
  const handlers = new Map<Listener, (message: unknown) => void>();
  return {
    // Without a callback a message that comes too late would be an error that nobody catches.
    postMessage: (message) => void peer.send?.(large.put(message), undefined, undefined, () => {}),
    addEventListener(_, listener) {
      const handler = (message: unknown) => {
        const event = { data: large.take(message) } as MessageEvent;
        if ('handleEvent' in listener) listener.handleEvent(event);
        else listener(event);
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
