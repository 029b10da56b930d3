import { Term } from './term.tsx';

/** Put in by vite.config.ts; empty where nobody has said. */
declare const __SOURCE_ADDRESS__: string;

/** What comes next to a visitor's mind: which models, where to run them, what it costs, who made it. */
export function StartFacts() {
  return (
    <div class="start-facts">
      <section aria-labelledby="which">
        <h2 id="which">Which models</h2>
        <p>
          Llama, Mistral, Mixtral, Qwen 2 and 3, Gemma 1 to 3, Phi 3 and 4, GLM-4, Granite, Command R,
          InternLM2, StarCoder2, GPT-2, DBRX and some more, as folders from Hugging Face with{' '}
          <code>config.json</code>, <code>*.safetensors</code> and <code>tokenizer.json</code>, in 16 or 32
          bits.
        </p>
        <p>
          None at hand? <a href="https://huggingface.co/Qwen/Qwen3-0.6B/tree/main">Qwen3-0.6B</a> has 1.5 GB:
          download those files into one folder. The small model, stories for children, is part of this page.
        </p>
      </section>
      <section aria-labelledby="where">
        <h2 id="where">Where EXL2 runs</h2>
        <p>
          On NVIDIA GPUs, and AMD’s with ROCm: with{' '}
          <a href="https://github.com/theroyallab/tabbyAPI">TabbyAPI</a>, a server for chat programs, or{' '}
          <a href="https://github.com/turboderp-org/exllamav2">ExLlamaV2</a> itself, in Python.
        </p>
      </section>
      <section aria-labelledby="cost">
        <h2 id="cost">What it costs</h2>
        <p>
          Minutes for a small model, hours for one of 7 billion <Term of="parameters" />, by your GPU: the
          plan says how long. And some quality: hardly any at 6 bits, little at 4, much at 2.5. What your
          model lost is measured at the end, on text kept out of the <Term of="calibration" />.
        </p>
      </section>
      <footer class="note">
        {__SOURCE_ADDRESS__ !== '' && (
          <>
            <a href={__SOURCE_ADDRESS__}>Source</a> ·{' '}
          </>
        )}
        MIT licence · <a href="./models/tinystories-7m/README.md">licence of the small model</a> · no cookies,
        no counting, nothing is uploaded
      </footer>
    </div>
  );
}
