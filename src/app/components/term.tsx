import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { GLOSSARY, type GlossaryWord } from '../glossary.ts';

/** The explanation that is open, and where its word stands. */
const open = signal<{ readonly text: string; readonly word: DOMRect } | undefined>(undefined);

/** Keeps a comma after the word on its line: beside a button the line might break. */
const WORD_JOINER = '\u2060';

/** A word of the field; hovering it, focusing it or tapping it explains it. */
export function Term({ of, children }: { of: GlossaryWord; children?: ComponentChildren }) {
  const id = useId();
  const text = GLOSSARY[of];
  const show = (event: { currentTarget: HTMLElement }) => {
    open.value = { text, word: event.currentTarget.getBoundingClientRect() };
  };
  const hide = () => {
    open.value = undefined;
  };
  return (
    <span>
      <button
        type="button"
        class="term"
        aria-describedby={id}
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={show}
        onBlur={hide}
        onClick={show}
      >
        {children ?? of}
      </button>
      {WORD_JOINER}
      <span id={id} hidden>
        {text}
      </span>
    </span>
  );
}

const MARGIN = 12;

/** Where explanations appear: once, at the end of the page. */
export function TermLayer() {
  const box = useRef<HTMLDivElement>(null);
  const shown = open.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !shown) return;
    const { width, height } = element.getBoundingClientRect();
    const { left, top, bottom } = shown.word;
    const below = bottom + 6 + height < innerHeight || top < height + MARGIN;
    element.style.left = `${Math.max(MARGIN, Math.min(left, document.documentElement.clientWidth - width - MARGIN))}px`;
    element.style.top = `${below ? bottom + 6 : top - height - 6}px`;
  }, [shown]);
  useEffect(() => {
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent && event.key !== 'Escape') return;
      open.value = undefined;
    };
    addEventListener('keydown', close);
    addEventListener('scroll', close, { capture: true, passive: true });
    return () => {
      removeEventListener('keydown', close);
      removeEventListener('scroll', close, { capture: true });
    };
  }, []);
  return (
    <div ref={box} class="explanation" hidden={!shown} aria-hidden="true">
      {shown?.text}
    </div>
  );
}
