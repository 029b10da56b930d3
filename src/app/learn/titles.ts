/** The cards of the lessons, in their order: what the address, the rail and the tab call them. */
export const LESSON_TITLES = [
  'A ruler with few marks',
  'Not every input is equally loud',
  'Make up for an error',
  'The sweep',
  'The trap',
  'The menu of a module',
  'Share out the bits',
  'What it cost',
] as const;

/** The card that an address names: the first where it names none. */
export function lessonNumber(text: string | undefined): number {
  const number = Number(text ?? 1);
  return Number.isInteger(number) && number >= 1 && number <= LESSON_TITLES.length ? number : 1;
}

/** Of the tab: `How EXL2 works, 4 of 8: The sweep`. */
export const lessonTitle = (card: number): string =>
  `How EXL2 works, ${card} of ${LESSON_TITLES.length}: ${LESSON_TITLES[card - 1]}`;
