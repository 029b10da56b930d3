import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Notice } from '../components/notice.tsx';

type Screen = ComponentType<{ card: number }>;

/** Loads the lessons when they are first opened: most visits do without them. */
export function LearnGate({ card }: { card: number }) {
  const screen = useSignal<{ readonly Lessons: Screen } | undefined>(undefined);
  const failed = useSignal(false);
  useEffect(() => {
    import('./learn-screen.tsx').then(
      ({ LearnScreen }) => {
        screen.value = { Lessons: LearnScreen };
      },
      () => {
        failed.value = true;
      },
    );
  }, [screen, failed]);
  if (failed.value) {
    return (
      <Notice kind="problem" title="The lessons could not be loaded">
        Check the connection, then load the page again.
      </Notice>
    );
  }
  if (!screen.value) return <p class="note">Loading the lessons…</p>;
  const { Lessons } = screen.value;
  return <Lessons card={card} />;
}
