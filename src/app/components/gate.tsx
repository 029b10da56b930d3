import type { ComponentType } from 'preact';
import { useLoadable } from '../state/use-loadable.ts';
import { Notice } from './notice.tsx';

/** A screen that is loaded when it is first opened: most visits do without it. @param what it is called, e.g. `lessons`. */
export function gate<P extends object>(
  what: string,
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  return function Gate(props: P) {
    const loaded = useLoadable(load, []).value;
    if (loaded.state === 'failed') {
      return (
        <Notice kind="problem" title={`The ${what} could not be loaded`}>
          Check the connection, then load the page again.
        </Notice>
      );
    }
    if (loaded.state !== 'ready') return <p class="note">Loading the {what}…</p>;
    const Screen = loaded.value;
    return <Screen {...props} />;
  };
}
