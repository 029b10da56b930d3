/** Where a model's weights are between two runs, from the fastest to what takes least GPU memory. */

/**
 * `ready`: on the GPU, as they are multiplied by. `stored`: on the GPU as the files have them, mostly with 16 bits, and
 * expanded to f32 module by module in every run. `streamed`: in the files, and read in every run. All give the same.
 */
export const RESIDENCES = ['ready', 'stored', 'streamed'] as const;
export type Residence = (typeof RESIDENCES)[number];
