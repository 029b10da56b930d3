import { useSignal } from '@preact/signals';
import { useEffect, useId } from 'preact/hooks';
import type { NamedFile } from '../../../workers/api/folders.ts';
import type { JobRecord, TargetResult } from '../../../workers/api/jobs.ts';
import { outputFolder } from '../../util/output-folder.ts';
import { formatBits, formatBytes } from '../format.ts';
import { outputPlace } from '../job-words.ts';
import { canPickFolders, pickOutput } from '../platform/folders.ts';
import { download, downloadAll, fileName, saveInto } from '../platform/save-files.ts';
import { useApp } from '../state/app-state.ts';
import { failureOf } from '../state/loadable.ts';

/** Browsers may clear a site's storage when the disk is full, and users can. */
const GONE =
  'They were in this browser’s storage, which has been cleared: convert the model again to have them.';

interface ResultFilesProps {
  readonly record: JobRecord;
  readonly result: TargetResult;
}

/** Where the files are, and from the browser's storage the ways to get them out. */
export function ResultFiles({ record, result }: ResultFilesProps) {
  const { api } = useApp();
  const heading = useId();
  const stored = useSignal<readonly NamedFile[] | undefined>(undefined);
  useEffect(() => {
    if (record.outputName !== '') return;
    api.outputFiles(record.id, result.bits).then(
      (files) => {
        stored.value = files;
      },
      () => {
        stored.value = [];
      },
    );
  }, [api, record.id, record.outputName, result.bits, stored]);
  const files = stored.value?.length ? stored.value : undefined;
  const bytes = result.files.reduce((sum, { size }) => sum + size, 0);
  return (
    <section class="panel save" aria-labelledby={heading}>
      <h2 id={heading}>
        Save it, <span class="number">{formatBits(result.bits)} bpw</span>
      </h2>
      {files ? (
        <SaveAll folder={outputFolder(record.model.name, result.bits)} files={files} />
      ) : (
        <p>{stored.value ? GONE : `They are in ${outputPlace(record)}.`}</p>
      )}
      <details>
        <summary>
          <span class="number">{result.files.length}</span> files,{' '}
          <span class="number">{formatBytes(bytes)}</span> with tokenizer and report
        </summary>
        <ul class="files">
          {result.files.map(({ path, size }) => (
            <FileLine
              key={path}
              path={path}
              size={size}
              file={files?.find((each) => each.path === path)?.file}
            />
          ))}
        </ul>
      </details>
    </section>
  );
}

function FileLine({ path, size, file }: { path: string; size: number; file: File | undefined }) {
  return (
    <li>
      {file ? (
        <button type="button" class="link" onClick={() => download(file, fileName(path))}>
          {path}
        </button>
      ) : (
        <span>{path}</span>
      )}
      <span class="number">{formatBytes(size)}</span>
    </li>
  );
}

interface SaveAllProps {
  /** The name of the one that they are saved to. */
  readonly folder: string;
  readonly files: readonly NamedFile[];
}

const KEPT = 'They are in this browser’s storage until you remove the conversion.';
const NOT_KEPT =
  'They are in this browser’s storage until you remove the conversion, or the browser needs the room for something else.';

function SaveAll({ folder, files }: SaveAllProps) {
  const state = useSignal('');
  const kept = useSignal(true);
  useEffect(() => {
    void navigator.storage?.persisted?.().then((persisted) => {
      kept.value = persisted;
    });
  }, [kept]);
  const intoFolder = async () => {
    const chosen = await pickOutput();
    if (!chosen) return;
    const place = `${chosen.name}/${folder}`;
    state.value = `Saving to ${place}…`;
    try {
      await saveInto(chosen, folder, files);
      state.value = `Saved to ${place}.`;
    } catch (error) {
      state.value = failureOf(error).message;
    }
  };
  const oneByOne = () => {
    void downloadAll(files);
    state.value = 'The browser may ask whether the page may download several files.';
  };
  return (
    <div class="row">
      {canPickFolders() && (
        <button type="button" class="primary" onClick={() => void intoFolder()}>
          Save all to a folder…
        </button>
      )}
      <button type="button" class={canPickFolders() ? undefined : 'primary'} onClick={oneByOne}>
        Download all
      </button>
      <span class="note" role="status">
        {state.value || (kept.value ? KEPT : NOT_KEPT)}
      </span>
    </div>
  );
}
