import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURES = 'test/fixtures/golden/architectures';

/**
 * A model of one layer that a software adapter converts in seconds: a random one that has two, of which config.json
 * names the first, with a tokenizer. File contents by name. Of those with a tied head the text is one word over and over.
 */
export function tinyModel(architecture = 'llama_tied_bias'): Map<string, Buffer> {
  const config = JSON.parse(readFileSync(`${FIXTURES}/${architecture}/config.json`, 'utf8'));
  return new Map([
    ['config.json', Buffer.from(JSON.stringify({ ...config, num_hidden_layers: 1 }))],
    ['model.safetensors', readFileSync(`${FIXTURES}/${architecture}/model.safetensors`)],
    ['tokenizer.json', readFileSync(`${FIXTURES}/tokenizer/tokenizer.json`)],
    ['tokenizer_config.json', readFileSync(`${FIXTURES}/tokenizer/tokenizer_config.json`)],
  ]);
}

/** The files as a folder on disk; returns its path. */
export function onDisk(files: ReadonlyMap<string, Buffer>, name: string): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'exl2-model-')), name);
  mkdirSync(folder);
  for (const [path, data] of files) writeFileSync(join(folder, path), data);
  return folder;
}
