import type { ComponentChildren } from 'preact';

interface NoticeProps {
  readonly kind: 'info' | 'warning' | 'problem';
  readonly title: string;
  readonly children?: ComponentChildren;
  /** What the user can do about it. */
  readonly actions?: ComponentChildren;
}

/** Something that has to be said, with a way on. */
export function Notice({ kind, title, children, actions }: NoticeProps) {
  return (
    <section class={`notice ${kind}`} role={kind === 'problem' ? 'alert' : undefined}>
      <p class="notice-title">{title}</p>
      {children && <div class="notice-text">{children}</div>}
      {actions && <div class="row">{actions}</div>}
    </section>
  );
}
