/** `mixed`: products of activations may round their factors to half precision where that is faster. */
export type Precision = 'f32' | 'mixed';
