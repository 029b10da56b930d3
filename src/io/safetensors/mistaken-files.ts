/** What people have in place of a safetensors file, by its first bytes, and what to do about it. */
const MISTAKEN: readonly { readonly start: RegExp; readonly advice: string }[] = [
  {
    start: /^version https:\/\/git-lfs/,
    advice:
      'is a git-lfs pointer, not the weights: run "git lfs pull" in the model folder, or download the file itself.',
  },
  {
    start: /^\s*<(!doctype|html|head|\?xml)/i,
    advice: 'is a web page, not the weights (often an error page or a login): download the file again.',
  },
  {
    start: /^(\s*\{\s*"error"|(Entry|Repository|Invalid|Access|Not) )/i,
    advice: 'is an error message of the server, not the weights: download the file again.',
  },
  { start: /^GGUF/, advice: 'is a GGUF file under a wrong name: get the original safetensors model.' },
  {
    start: /^PK\W\W/,
    advice:
      'is a ZIP archive or a PyTorch file under a wrong name: get the safetensors version of the model.',
  },
];

/** How many bytes {@link mistakenFile} looks at. */
export const MISTAKEN_BYTES = 64;

/** Why a file that starts with these bytes can't be safetensors: the end of a sentence that starts with its name. */
export function mistakenFile(firstBytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...firstBytes.subarray(0, MISTAKEN_BYTES));
  return MISTAKEN.find(({ start }) => start.test(text))?.advice;
}
