/** Moves the focus to the screen's heading, or to where it will be while that is on its way. */
export function focusHeading(): void {
  const target = document.querySelector<HTMLElement>('main h1') ?? document.querySelector('main');
  if (!target) return;
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** After a change that has taken the focused control away: the focus would be nowhere. */
export function rescueFocus(): void {
  const { activeElement } = document;
  if (activeElement === document.body || activeElement?.tagName === 'MAIN') focusHeading();
}
