/** Words of the field, each explained in a sentence or two. */
export const GLOSSARY = {
  EXL2: 'A format for language models on GPUs, made by ExLlamaV2. It stores most weights with 2 to 8 bits instead of 16, and more of them where they matter more.',
  'bits per weight':
    'The average number of bits that each weight of the attention and MLP layers takes in the output, with its share of scales and indices. The original has 16.',
  bpw: 'Bits per weight: the average over all weights of the attention and MLP layers, scales and indices included.',
  size: 'Of the weight files, before and after. Attention and MLP layers take the chosen bits, scales and indices included; the output head takes its own, 6 unless changed; the embedding keeps its 16. So small models, of which these are a large part, shrink less.',
  'expected quality':
    'By what a model of 135 million parameters lost on text kept out of its calibration: a KL divergence of 1.1 nats at 2.5 bits, 0.58 at 3, 0.13 at 4, 0.034 at 5, 0.010 at 6. Larger models mostly lose less. What yours has lost is measured at the end.',
  promise:
    'What measuring found for the chosen setting: the module alone is quantized, on states of the original model.',
  outcome:
    'What came out: the module’s error on states that the quantized modules before it have made, which differ from the original’s.',
  'head bits':
    'Bits of the output head, which turns the last layer’s state into token probabilities. It is never measured; 6 is the usual choice.',
  quantizer:
    'Turns weights into codes of few bits. Refined: it chooses scales and codes by what their error costs, and finds finer mixes of bit widths; the file is EXL2 as before.',
  precision:
    'Mixed: matrix units of the GPU multiply activations and weights rounded to 16 bits and sum with 32, several times as fast. What that does to the result is about a hundredth of what quantization costs, in either direction.',
  calibration:
    'Text that runs through the model to see which weights matter. Use your own when the model is meant for a special language or task.',
  measurement:
    'What each attention and MLP module loses under each of some dozens of settings: a part is tried, and what finer mixes lose follows from it. It depends on model and calibration text, not on the bitrate, so it can be kept and used again.',
  'GPU memory budget':
    'How much GPU memory the conversion may use. Less means smaller batches: slower, with the same result.',
  'main memory budget':
    'How much of the computer’s memory the conversion may use. What calibration text has become inside the model goes to disk beyond it: slower, with the same result.',
  'calibration states':
    'What calibration text has become inside the model so far: numbers for each token, which go through one module after the other.',
  cache:
    'Keys and values of all tokens so far, kept in GPU memory while the model runs; here with 16 bits each.',
  'GPU memory':
    'Quantized weights and cache. The program that runs the model needs some for itself too, commonly 0.5 to 1 GB.',
  error:
    'How far an output moves when weights are quantized: ‖quantized − original‖ / ‖original‖ of each token of calibration text, as the root of the mean square over all tokens, so that a few huge ones do not hide the others. Given for each module (log files call it rfn error) and, beside its bits, for each linear by itself. ExLlamaV2’s own way takes whole rows of tokens at once.',
  'total error': 'The sum of all modules’ measured errors. Smaller is better; it has no unit.',
  elbow: 'Where the curve bends: to the left of it error grows fast, to the right more bits buy little.',
  candidate:
    'One setting of a module’s linears: which share of the weights gets how many bits, in groups of what size.',
  perplexity:
    'How surprised the model is by a text, on average; 1 would be never. It depends on the text, so compare it with the original’s: a good conversion stays within a few per cent.',
  'KL divergence':
    'How far the quantized model’s probabilities of the next token are from the original’s, in nats; 0 is not at all. A few bad tokens raise the mean, so look at median and 99th percentile too.',
  '99th percentile': 'At 99 % of the tokens the KL divergence is lower.',
  'top-1 agreement': 'At how many of the tokens both models think the same next token most likely.',
  token: 'A word or a piece of one: models read and write text in these.',
  temperature:
    'How freely the next token is drawn: 0 takes the likeliest each time, 1 draws by the model’s probabilities, more makes unlikely ones likelier.',
  'top-k': 'Draws among so many of the most likely tokens only; 0 is all.',
  'top-p': 'Draws among the most likely tokens that together reach this probability; 1 is all.',
  linear:
    'A matrix of weights. Each layer has four in its attention (q, k, v, o) and three in its MLP, or in each of its experts (gate, up, down).',
  expert:
    'One of several MLPs of a layer. A small router beside them sends each token through a few, so that an expert sees only a part of the calibration text.',
  parameters: 'All numbers that the model has learned.',
  worker:
    'A part of the program with a GPU device of its own. Workers share the work of one conversion; what comes out does not depend on how many there are.',
  'software adapter':
    'A program on the CPU that stands in for a GPU. It gives the same results, a hundred to a thousand times slower.',
} as const;

export type GlossaryWord = keyof typeof GLOSSARY;
