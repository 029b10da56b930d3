/**
 * How a group's scales are found. `exllamav2`: one factor for the whole group on scales that just fit, as section 7
 * of the format's description has it. `refined`: factor and scale codes by least squared error, each row weighted by
 * 1/U[r,r]², which is what its error costs when the rows after it make up for what they can.
 */
export type QuantizerMethod = 'exllamav2' | 'refined';
