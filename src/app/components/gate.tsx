import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Notice } from './notice.tsx';

/** A screen that is loaded when it is first opened: most visits do without it. @param what it is called, e.g. `lessons`. */
export function gate<P extends object>(
  what: string,
  load: () => Promise<ComponentType<P>>,
): ComponentType<P> {
  return function Gate(props: P) {
    const loaded = useSignal<{ readonly Screen: ComponentType<P> } | undefined>(undefined);
    const failed = useSignal(false);
    useEffect(() => {
      load().then(
        (Screen) => {
          loaded.value = { Screen };
        },
        () => {
          failed.value = true;
        },
      );
    }, [loaded, failed]);
    if (failed.value) {
      return (
        <Notice kind="problem" title={`The ${what} could not be loaded`}>
          Check the connection, then load the page again.
        </Notice>
      );
    }
    if (!loaded.value) return <p class="note">Loading the {what}…</p>;
    const { Screen } = loaded.value;
    return <Screen {...props} />;
  };
}
