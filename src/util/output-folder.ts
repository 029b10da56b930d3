/** Name of the folder of an output: `tiny-4bpw-exl2`, without what some system does not take in a name. */
export const outputFolder = (modelName: string, bits: number): string =>
  `${modelName.replace(/[\\/:*?"<>|\p{Cc}]/gu, '-')}-${bits}bpw-exl2`;
